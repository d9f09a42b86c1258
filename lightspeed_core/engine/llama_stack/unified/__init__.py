"""From sections of the service's own file to the run.yaml that Llama Stack boots from."""
