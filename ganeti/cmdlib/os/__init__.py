"""Logical units of OS definitions and storage providers."""
