"""The configuration store: versions of the tree, their commit to disk and candidates.

``store`` is the door; what the objects are lies in ``ganeti.objects``.
"""
