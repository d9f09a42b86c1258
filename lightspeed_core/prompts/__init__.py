"""Prompts: those that users save for themselves."""
