"""Chores that every room needs: programs, files, text, network, certificates, daemons.

Import the module of the chore (`from ganeti.utils import process`); nothing is re-exported.
"""
