"""What the vector stores of this package share: the stack's API, chunks, queries, scores."""
