"""Logical units about exports."""
