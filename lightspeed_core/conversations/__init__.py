"""Conversations, their turns, the journal of running turns, and the order of turns."""
