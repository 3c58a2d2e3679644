"""Every plot of a section as a figure."""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from faceforget.audit.shown.section import Bars, Course, Curves, Histogram, Plot, Ranges, ScatterChart
from faceforget.report.charts import curves, ranges
from faceforget.report.charts_more import bars, course, histogram, scatter

_DRAWN_BY: Mapping[type[Plot], Callable[[Any], Figure]] = {
    Ranges: ranges,
    Curves: curves,
    Bars: bars,
    Histogram: histogram,
    ScatterChart: scatter,
    Course: course,
}


def draw(plot: Plot) -> Figure:
    """A new figure."""
    return _DRAWN_BY[type(plot)](plot)
