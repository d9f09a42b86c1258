"""The engine port: what the service asks of Llama Stack, and nothing else of it."""
