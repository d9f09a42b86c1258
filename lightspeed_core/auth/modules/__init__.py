"""Ways to learn who the caller is, one file each; they do not know one another."""
