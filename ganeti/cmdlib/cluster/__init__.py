"""Logical units that concern the cluster as a whole; those of single objects live beside it."""
