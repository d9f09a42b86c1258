"""Vector stores that another program wrote, read in a process of its own."""
