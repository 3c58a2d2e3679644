"""The tables of :mod:`benchmarks.white_box`."""

from collections.abc import Sequence
from statistics import mean

from benchmarks.runner.cell import Cell, Measured
from benchmarks.runner.table import Column, by, counted, markdown, percent

METHODS = ("drop_row", "retrained", "delete", "anchored", "dispersed", "delete_all_layers")
# By which somebody may stand out among strangers, and how far out is the outermost on one side.
SIGNS, OUTER = ("self_similarity", "length", "deviation", "best_similarity"), 0.025
_PLACE = "place by "


def written(found: Sequence[Measured], planned: int) -> str:
    """Both tables as Markdown."""
    kinds = [key for key in found[0].numbers if not key.startswith(_PLACE)]
    rows = by(sorted(found, key=lambda run: METHODS.index(run.cell.method)), _row)
    places = dict.fromkeys(run.cell.world for run in found)
    rows = {row: runs for place in places for row, runs in rows.items() if runs[0].cell.world == place}
    given_away = [*(percent(kind, kind, max) for kind in kinds), counted()]
    on_lfw = {row[1:]: runs for row, runs in rows.items() if row[0] == "lfw"}
    return "\n".join(
        [
            "# What the file of an erased model gives away",
            "",
            f"`python -m benchmarks.white_box`, {len(found)} of {planned} cells. Per cent: true-accept rate at a "
            "false-accept rate of .1 % of the best template of each kind on unseen photos of the person, mean over ten "
            "people ± half the 95 % interval (Student's t), in brackets the person of whom most is given away. `file` "
            "and `public`: by whose embeddings the template is compared. Row deleted and retrained are the reference.",
            "",
            *markdown(("people", "backbone", "method"), given_away, rows),
            "",
            f"Standing out, LFW: of so many people, how many are among the outermost {200 * OUTER:.0f} % of 96 "
            "strangers, to either side, and in brackets the mean share of strangers below them.",
            "",
            *markdown(("backbone", "method"), list(map(_outermost, SIGNS)), on_lfw),
            "",
        ]
    )


def _row(cell: Cell) -> tuple[str, ...]:
    return *cell.world.split("_"), f"`{cell.method}`"


def _outermost(sign: str) -> Column:
    def text(runs: Sequence[Measured]) -> str:
        ranks = [run.numbers[f"{_PLACE}{sign}"] for run in runs]
        outer = sum(min(rank, 1 - rank) < OUTER for rank in ranks)
        return f"{outer} of {len(ranks)} ({100 * mean(ranks):.0f} %)"

    return Column(sign.replace("_", " "), text)
