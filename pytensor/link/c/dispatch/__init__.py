"""C implementations of Ops by dispatch; `load` imports the rooms that exist."""
