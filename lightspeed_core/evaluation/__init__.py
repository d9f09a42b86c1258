"""How well questions are answered from a vector store, measured."""
