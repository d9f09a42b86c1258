"""Quotas: how many tokens users and the cluster may spend, and what was spent."""
