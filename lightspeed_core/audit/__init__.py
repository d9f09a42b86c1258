"""The record of decisions: who did what, and what was refused."""
