"""DELETE and the baselines on the paper's data sets: ``python -m benchmarks.paper``."""
