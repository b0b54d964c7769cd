"""Faults injected for real into runs of a tiny study, and the table of what became of them."""
