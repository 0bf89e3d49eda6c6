"""The objects of the configuration: typed, unchangeable, in the form of config.data."""

from ganeti.objects.base import ConfigObject, TaggedObject, TrackedObject, field
from ganeti.objects.cluster import Cluster
from ganeti.objects.config import ConfigData
from ganeti.objects.disk import Disk
from ganeti.objects.filter import FilterRule
from ganeti.objects.group import NodeGroup
from ganeti.objects.instance import Instance
from ganeti.objects.network import Network
from ganeti.objects.nic import Nic
from ganeti.objects.node import Node

__all__ = ["Cluster", "ConfigData", "ConfigObject", "Disk", "FilterRule", "Instance", "Network",
           "Nic", "Node", "NodeGroup", "TaggedObject", "TrackedObject", "field"]
