"""Sheets of A4 in the look of the page: text in any script, boxes, tables."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, TableBordersLayout
from fpdf.fonts import FontFace
from PIL import Image

from faceforget.audit.outcomes import FAILED, LOOKS, PARTIAL, PASSED
from faceforget.report.glyphs import font_file, printable

INK, SOFT, LINE = "#1c2430", "#5b6675", "#dfe4ea"
GONE, KEPT, ACCENT = LOOKS[FAILED].tone, LOOKS[PASSED].tone, "#24508f"
UNSURE = LOOKS[PARTIAL].tone

_FAMILY = "DejaVu"
_MM_PER_POINT = 25.4 / 72
_LEADING = 1.32
_MARGIN = 16.0


class Sheet(FPDF):
    """A PDF that is written from top to bottom; lengths in mm, sizes of type in points."""

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        self._rehearsing = False
        self._title = printable(title)
        self.set_title(self._title)
        self.set_creator("FaceForget")
        self.set_margins(_MARGIN, _MARGIN, _MARGIN)
        self.set_auto_page_break(True, 18)
        # Text begins where boxes and pictures begin.
        self.c_margin = 0
        self.add_font(_FAMILY, "", font_file())
        self.add_font(_FAMILY, "B", font_file(bold=True))
        self.add_page()

    def footer(self) -> None:
        """Title and page number."""
        self.set_y(-12)
        self.set_font(_FAMILY, "", 7.5)
        self.set_text_color(SOFT)
        self.cell(self.epw / 2, 5, self._shortened(self._title, self.epw / 2))
        self.cell(self.epw / 2, 5, f"{self.page_no()} of {{nb}}", align="R")

    def _shortened(self, text: str, width: float) -> str:
        while text and self.get_string_width(text) > width:
            text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
        return text

    def words(
        self,
        text: str,
        size: float,
        *,
        colour: str = INK,
        bold: bool = False,
        width: float = 0,
        x: float | None = None,
        after: float = 0,
    ) -> None:
        """A paragraph at the current place, and the place below it."""
        left = self.l_margin if x is None and not width else x if x is not None else self.get_x()
        self.set_x(left)
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(colour)
        line, wide = size * _MM_PER_POINT * _LEADING, width or self.epw
        if self._rehearsing:
            height: Any = self.multi_cell(
                wide, line, printable(text), align="L", dry_run=True, output=MethodReturnValue.HEIGHT
            )
            self.set_y(self.get_y() + height + after)
            return
        self.multi_cell(wide, line, printable(text), align="L", new_x="LEFT", new_y="NEXT")
        self.set_y(self.get_y() + after)

    def heading(self, text: str, size: float, *, keep: float = 30) -> None:
        """A heading that stays with the ``keep`` mm below it."""
        space = 0.45 * size
        self.room(keep + space)
        self.ln(space)
        self.words(text, size, bold=True, after=0.12 * size)

    def fact(self, name: str, text: str) -> None:
        """A line of small print with its name in front."""
        self.room(8)
        top = self.get_y()
        self.words(name, 7.5, colour=SOFT, bold=True, x=self.l_margin, width=19)
        self.set_xy(self.l_margin + 19, top)
        self.words(text, 7.5, colour=SOFT, x=self.l_margin + 19, width=self.epw - 19, after=0.8)

    def bullet(self, text: str) -> None:
        """An item of a list."""
        top = self.get_y()
        self.words("•", 9, x=self.l_margin, width=5)
        self.set_xy(self.l_margin + 5, top)
        self.words(text, 9, x=self.l_margin + 5, width=self.epw - 5, after=1.2)

    def room(self, height: float) -> None:
        """A new page if there is not so much room left on this one."""
        if self.will_page_break(height) and self.get_y() > self.t_margin + 1:
            self.add_page()

    def box(self, left: float, top: float, width: float, height: float) -> None:
        """A frame."""
        self.set_draw_color(LINE)
        self.set_line_width(0.25)
        self.rect(left, top, width, height)

    def bar(self, left: float, top: float, width: float, height: float, colour: str) -> None:
        """A filled rectangle."""
        if self._rehearsing:
            return
        self.set_fill_color(colour)
        self.rect(left, top, width, height, style="F")

    def stamp(self, text: str, left: float, top: float, colour: str) -> None:
        """White words on colour, their left edge given."""
        if self._rehearsing:
            return
        self.set_font(_FAMILY, "B", 8)
        width = self.get_string_width(text) + 5
        self.set_fill_color(colour)
        self.rect(left, top, width, 5, style="F", round_corners=True, corner_radius=2.5)
        self.set_text_color("#ffffff")
        self.set_xy(left, top)
        self.cell(width, 5, text, align="C")

    def picture(
        self, content: bytes | Image.Image, left: float, top: float, width: float, height: float, *, words: str = ""
    ) -> None:
        """An image, or the file of one, at a place."""
        if self._rehearsing:
            return
        source = io.BytesIO(content) if isinstance(content, bytes) else content
        self.image(source, left, top, width, height, alt_text=printable(words) or None)

    def grid(self, head: Sequence[str], rows: Sequence[Sequence[str]], widths: Sequence[float] = ()) -> None:
        """A table over the whole width, its head again on each page."""
        self.set_font(_FAMILY, "", 7.5)
        self.set_text_color(INK)
        self.set_draw_color(LINE)
        self.set_fill_color("#ffffff")
        # The first column says what a row is about; a number of photos is short.
        style = FontFace(emphasis="BOLD", color=SOFT)
        with self.table(
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=style,
            col_widths=tuple(widths) or (2.0, *(0.55 if cell == "photos" else 1.15 for cell in head[1:])),
            line_height=7.5 * _MM_PER_POINT * 1.35,
            padding=(0.9, 1.6, 0.9, 0),
            text_align="LEFT",
        ) as table:
            for cells in (head, *rows):
                table.row([printable(cell) for cell in cells])
        self.ln(1)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Take all steps but draw nothing, to see how high something is."""
        place = self.x, self.y
        self._rehearsing = True
        try:
            yield
        finally:
            self._rehearsing = False
            self.set_xy(*place)
