"""Logical units that only ask: OP_QUERY and OP_QUERY_FIELDS."""
