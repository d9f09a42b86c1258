"""Prompts: those that all share, in versions, and those that users save for themselves."""
