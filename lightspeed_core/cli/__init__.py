"""The command line; only here may anything be printed."""
