"""`lightspeed-stack doctor`: examines a configuration without starting the service.

It changes nothing: no file is created, no schema migrated, no stack booted.
"""
