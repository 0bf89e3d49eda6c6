"""Tests on the real daemons of a virtual cluster on 127.0.x.y."""
