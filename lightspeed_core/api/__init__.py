"""HTTP in, use case call, HTTP or SSE out. The only place that knows wire formats."""
