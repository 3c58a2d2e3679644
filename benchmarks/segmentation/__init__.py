"""A segmentation network forgets a class: ``python -m benchmarks.segmentation``."""
