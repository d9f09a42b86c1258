"""The vocabulary: frozen types without I/O, built on the standard library alone."""
