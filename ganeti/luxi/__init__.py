"""LUXI, the language between clients and the master daemon on a local socket."""
