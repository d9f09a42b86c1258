"""The adapter to Llama Stack, in-process or as a server; its pins, traps and names stay here.

`factory.create_engine` is the door; `run_config` reads a run.yaml without importing the stack.
"""
