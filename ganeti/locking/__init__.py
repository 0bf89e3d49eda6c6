"""The locks of the cluster: levels and their order, and the manager that grants them."""
