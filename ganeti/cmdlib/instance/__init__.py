"""Logical units of instances: one module an operation; no RPC plumbing and no node-side work lives here."""
