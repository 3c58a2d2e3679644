"""The two promises on people who took no part in the search: ``python -m benchmarks.embedding``."""
