"""Shields around a turn: they check or rewrite questions, answers and what documents say."""
