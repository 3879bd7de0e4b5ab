"""Backends: each turns a rewritten graph into a callable. See `link/backends.py` for the table."""
