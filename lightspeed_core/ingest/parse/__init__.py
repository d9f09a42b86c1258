"""Files of many formats become text; what reads them runs in a process of its own."""
