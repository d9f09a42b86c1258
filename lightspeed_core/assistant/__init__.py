"""The use case: a question becomes a turn, a turn becomes an answer."""
