"""The node RPC: which calls exist, how they travel, and both ends of the wire."""
