"""The font of charts and PDFs, and text in scripts that it lacks."""

from functools import cache
from pathlib import Path

import matplotlib as mpl
from matplotlib.ft2font import FT2Font


def font_file(*, bold: bool = False) -> Path:
    """DejaVu Sans as matplotlib ships it: Latin, Greek, Cyrillic, Arabic, Hebrew and many signs."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return Path(mpl.get_data_path()) / "fonts" / "ttf" / name


def printable(text: str) -> str:
    """Text with every character that the font lacks written as its code point, ``[U+738B]``: ugly, but not lost."""
    known = _characters()
    return "".join(letter if ord(letter) in known or letter in "\n\t" else f"[U+{ord(letter):04X}]" for letter in text)


@cache
def _characters() -> frozenset[int]:
    return frozenset(FT2Font(str(font_file(bold=True))).get_charmap()) & frozenset(
        FT2Font(str(font_file())).get_charmap()
    )
