"""Benchmarks: each fast path beside the slow one it replaces, in one process (`make bench`)."""
