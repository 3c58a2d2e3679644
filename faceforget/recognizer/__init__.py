"""Backbone, cosine head, labels and the "unknown" threshold in one object."""
