"""Charts as SVG for the page and as pictures for print."""

import io
from typing import Any
from xml.dom import minidom

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from faceforget.report.charts import POINTS_PER_INCH, styled
from faceforget.report.glyphs import printable

_PRINT_DPI = 200
_FONTS = "'system-ui', 'Segoe UI', 'Roboto', 'Helvetica Neue', 'Arial', 'DejaVu Sans'"


def to_svg(figure: Figure, prefix: str, words: str) -> str:
    """An inline ``<svg>`` whose ids begin with ``prefix``, so that many fit into one page.

    Args:
        figure: What to draw.
        prefix: Unique in the page: letters, digits, hyphens.
        words: What it shows.
    """
    buffer = io.StringIO()
    with styled():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = minidom.parseString(buffer.getvalue()).documentElement  # noqa: S318 - just written here
    if root is None:
        raise ValueError("Matplotlib wrote an empty SVG.")
    for data in root.getElementsByTagName("metadata"):
        root.removeChild(data)
    for element in root.getElementsByTagName("*"):
        _made_own(element, prefix)
    # Width and height come from the page.
    for name in ("width", "height", "version"):
        root.removeAttribute(name)
    size = figure.get_figwidth() * POINTS_PER_INCH, figure.get_figheight() * POINTS_PER_INCH
    root.setAttribute("viewBox", f"0 0 {size[0]:g} {size[1]:g}")
    root.setAttribute("role", "img")
    root.setAttribute("aria-label", words)
    return root.toxml()


def _made_own(element: minidom.Element, prefix: str) -> None:
    """Give an element ids and references that no other chart has, and the fonts of the page."""
    for name, value in list(element.attributes.items()):
        if name == "id":
            value = f"{prefix}-{value}"
        elif name == "xlink:href":
            value = value.replace("#", f"#{prefix}-", 1)
        else:
            value = value.replace("url(#", f"url(#{prefix}-").replace("'DejaVu Sans'", _FONTS)
        element.setAttribute(name, value)


def to_image(figure: Figure) -> Image.Image:
    """The figure for print; it is changed, and good for nothing else afterwards."""
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_text(printable(text.get_text()))
    figure.set_dpi(_PRINT_DPI)
    figure.patch.set(alpha=1, facecolor="white")
    canvas: Any = FigureCanvasAgg(figure)  # its methods have no types
    with styled():
        canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[:, :, :3])
