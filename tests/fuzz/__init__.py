"""Feed damaged and odd files to every reader of the package: `python -m tests.fuzz`."""
