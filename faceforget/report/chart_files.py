"""Charts as SVG for the page and as pictures for print."""

import io
import re
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from faceforget.report.charts import POINTS_PER_INCH, styled
from faceforget.report.glyphs import printable

_PRINT_DPI = 200
_FONT = ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "Arial", "DejaVu Sans")


def to_svg(figure: Figure, prefix: str, words: str) -> str:
    """An inline ``<svg>`` whose ids begin with ``prefix``, so that many fit into one page.

    Args:
        figure: What to draw.
        prefix: Unique in the page: letters, digits, hyphens.
        words: What it shows, already escaped.
    """
    buffer = io.StringIO()
    with styled():
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r'(<[^<>]*? id=")', rf"\g<1>{prefix}-", text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = text.replace("'DejaVu Sans'", ", ".join(f"'{name}'" for name in _FONT))
    size = f'viewBox="0 0 {figure.get_figwidth() * POINTS_PER_INCH:g} {figure.get_figheight() * POINTS_PER_INCH:g}"'
    inside = text[text.index(">") + 1 :]
    # Only what is inside matters: width and height come from the page.
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {size} '
        f'role="img" aria-label="{words}">{inside}'
    )


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
