"""Logging, metrics and tracing of the service."""
