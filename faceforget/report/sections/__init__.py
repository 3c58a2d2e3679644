"""A file per question of the audit: its answer in words, its plots, its method and reference."""
