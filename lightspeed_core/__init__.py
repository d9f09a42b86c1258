"""Lightspeed Core Stack: the backend of an AI assistant that answers product questions."""
