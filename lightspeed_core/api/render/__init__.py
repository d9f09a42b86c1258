"""Turns and their events as wire formats; pure functions, one file per format."""
