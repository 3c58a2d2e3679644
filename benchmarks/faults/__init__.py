"""Batches under ``kill -9``: ``python -m benchmarks.faults``."""
