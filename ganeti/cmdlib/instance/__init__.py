"""Logical units of instances, one module an operation; nothing here touches a node itself."""
