"""The programs: each reads its options, loads a cluster, asks the model, prints.

Modules here must be quick to import: the model, with NumPy, is imported by the code that needs it.
"""
