"""Runs what is to be measured, keeps what was, and makes tables of it; it knows nothing of faces.

A :class:`~benchmarks.runner.cell.Cell` names one measurement; :mod:`~benchmarks.runner.run` measures those that are
not yet in a file of lines, :mod:`~benchmarks.runner.table` makes tables of the lines.
"""
