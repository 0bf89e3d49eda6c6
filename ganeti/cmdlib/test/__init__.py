"""Logical units of the test opcodes: they exist to try the machinery around them."""
