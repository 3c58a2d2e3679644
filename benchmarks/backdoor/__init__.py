"""A backdoor is unlearned from triggered samples only: ``python -m benchmarks.backdoor``."""
