"""Say which error messages of the package no test produces: `python -m tests.messages`."""
