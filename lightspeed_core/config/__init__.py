"""Frozen settings: one module per section of lightspeed-stack.yaml, read once at start."""
