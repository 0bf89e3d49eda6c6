"""Cluster verify: gather (node calls) apart from judge (pure functions over the answers).

`checks.py` holds the visible list of all checks. A new check is one function and one row.
"""
