"""The README's first picture: a forgotten and a retained rendered person, before and after DELETE.

Run from the repository's root: ``python -m benchmarks.first_picture``. It is made from the demo, and shows the first
unseen photo of the person who was erased, and one of the person whom the model found most like them.
"""

import argparse
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.data import ROOT
from benchmarks.runner.command import command
from faceforget import api
from faceforget.api import Recognition, answered, overlay, shown_name
from faceforget.lab import INK, SOFT, ShownPhoto, styled

_GONE, _KEPT = "#b3261e", "#1a7f4b"
_COLUMNS = ("the photo", "what speaks for them, before", "after DELETE")


def draw(rows: tuple[tuple[str, ShownPhoto], tuple[str, ShownPhoto]]) -> Figure:
    """Two rows of three pictures, with the model's answers below."""
    with styled():
        figure = Figure(figsize=(9.0, 7.2), facecolor="white")
        for row, (title, shown) in enumerate(rows):
            pictures = (shown.crop, overlay(shown.crop, shown.heat.before), overlay(shown.crop, shown.heat.after))
            for column, pixels in enumerate(pictures):
                axes = figure.add_axes((0.02 + 0.33 * column, 0.57 - 0.48 * row, 0.30, 0.36))
                axes.imshow(pixels, interpolation="bicubic")
                axes.set_axis_off()
                if row == 0:
                    axes.set_title(_COLUMNS[column], fontsize=12, color=SOFT, pad=6)
                if column == 0:
                    _below(axes, f"{title}: {shown_name(shown.person)}", INK)
                elif column == 1:
                    _below(axes, _said(shown.before), _colour(shown, shown.before, erased=False))
                else:
                    _below(axes, _said(shown.after), _colour(shown, shown.after, erased=row == 0))
        return figure


def _below(axes: Axes, words: str, colour: str) -> None:
    axes.text(0.5, -0.05, words, transform=axes.transAxes, ha="center", va="top", fontsize=12.5, color=colour)


def _said(answer: Recognition) -> str:
    """The name with its confidence, or unknown."""
    return f"{answered(answer)}, {100 * answer.confidence:.0f} %" if answer.confidence else answered(answer)


def _colour(shown: ShownPhoto, answer: Recognition, *, erased: bool) -> str:
    return (_GONE if erased else _KEPT) if answer.name == shown.person else (INK if erased else _GONE)


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "forgotten_and_retained.jpg")
    options = parser.parse_args()
    demo = api.demo()
    figure = draw((("forgotten", demo.forgotten[0]), ("retained", demo.retained[0])))
    figure.savefig(options.output, dpi=120, pil_kwargs={"quality": 88})
    print(f"{options.output}: {shown_name(demo.person)} was erased with {demo.erasure.record['method']}")


if __name__ == "__main__":
    main()
