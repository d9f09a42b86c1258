"""Ranking on the frozen set, measured and written down."""
