"""The REST interface: what it offers (`resources`), who may use it, and how it answers.

Resources are declared, as a table; the web server that runs them is put together in `server.rapi`.
"""

REALM = "Ganeti Remote API"
VERSION = 2
MAX_BODY = 10 * 1024 * 1024
"""Bytes of a request's body."""
