"""A file per question about what is left of a person."""
