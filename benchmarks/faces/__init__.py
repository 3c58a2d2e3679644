"""Every method on the same people, in one table: ``python -m benchmarks.faces CONFIG``."""
