"""Who the caller is and what they may do; blind to HTTP frameworks."""
