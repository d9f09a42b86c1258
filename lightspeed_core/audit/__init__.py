"""The record of decisions: who asked for what, and what came of it; in the log and in a chain."""
