"""A cluster of virtual nodes on one machine: trees, addresses, ssh servers, links."""
