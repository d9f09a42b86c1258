"""A Kubernetes cluster as a judge of tokens; only `client` and `connection` know its library."""
