"""From a run.yaml of Llama Stack's 0.2 line to one of version 2, as far as 0.7 has a place."""
