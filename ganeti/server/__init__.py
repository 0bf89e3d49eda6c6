"""The daemons: each module wires one together and serves; what they do is in the rooms below."""
