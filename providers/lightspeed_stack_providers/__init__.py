"""Llama Stack providers that need no service of their own and no network at start."""
