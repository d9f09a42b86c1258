"""Files that users hand over to be indexed."""
