"""Baselines that look like an erasure and leave the features as they were."""
