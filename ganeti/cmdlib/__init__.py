"""Logical units: one class an opcode, each the story of one operation.

``base`` holds what all of them share, ``registry`` says which opcode is served by which class.
"""
