"""The gnt-* commands: one package a tool, one module a subject; see `ganeti.cli`."""
