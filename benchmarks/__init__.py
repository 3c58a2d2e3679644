"""Measurements: run with ``python -m benchmarks.NAME`` from the repository's root.

A new one lists its cells, says how one is measured, and hands both to :mod:`benchmarks.runner`; on faces it measures in
a :class:`benchmarks.world.World`. What it reads it asks :func:`benchmarks.data.needed` for, and ``docs/data.md`` lists.
"""
