"""Checks that several logical units share, one module a subject; no logical units here."""
