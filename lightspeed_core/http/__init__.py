"""Outgoing HTTP: which addresses may be called, and the client that keeps to it."""
