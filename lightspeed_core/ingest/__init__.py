"""Documents become chunks in a vector store."""
