"""The tables of :mod:`benchmarks.white_box`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spread import spread

METHODS = ("drop_row", "retrained", "delete", "anchored", "dispersed", "delete_all_layers")
# By which somebody may stand out among strangers, and how far out is the outermost on one side.
SIGNS, OUTER = ("self_similarity", "length", "deviation", "best_similarity"), 0.025


def write(found: Sequence[tuple[tuple[str, str, str], dict[str, Any]]], planned: int, folder: Path) -> None:
    """Tables as Markdown, and every cell as a line of JSON."""
    text = [
        "# What the file of an erased model gives away",
        "",
        f"`python -m benchmarks.white_box`, {len(found)} of {planned} cells. Per cent: true-accept rate at a "
        "false-accept rate of .1 % of the best template of each kind on unseen photos of the person, mean over ten "
        "people ± half the 95 % interval (Student's t), in brackets the person of whom most is given away. `file` and "
        "`public`: by whose embeddings the template is compared. Row deleted and retrained are the reference.",
        "",
    ]
    by_row: dict[tuple[str, str], list[tuple[str, dict[str, Any]]]] = {}
    for (place, method, person), numbers in found:
        by_row.setdefault((place, method), []).append((person, numbers))
    kinds = [key for key in found[0][1] if not key.startswith("place by ")]
    text += [f"| people | backbone | method | {' | '.join(kinds)} | runs |", "|" + "---|" * (len(kinds) + 4)]
    places = dict.fromkeys(place for place, _ in by_row)
    order = [(place, method) for place in places for method in METHODS if (place, method) in by_row]
    for place, method in order:
        runs = by_row[place, method]
        values = [spread([(person, numbers[kind]) for person, numbers in runs], max) for kind in kinds]
        text.append(f"| {' | '.join([*place.split('_')[:2], f'`{method}`', *values, str(len(runs))])} |")
    text += [
        "",
        f"Standing out, LFW: of so many people, how many are among the outermost {200 * OUTER:.0f} % of 96 strangers, "
        "to either side, and in brackets the mean share of strangers below them.",
        "",
        f"| backbone | method | {' | '.join(sign.replace('_', ' ') for sign in SIGNS)} |",
        "|" + "---|" * (len(SIGNS) + 2),
    ]
    for place, method in order:
        if place.startswith("lfw"):
            ranks = [[numbers[f"place by {sign}"] for _, numbers in by_row[place, method]] for sign in SIGNS]
            outer = [
                f"{sum(min(r, 1 - r) < OUTER for r in own)} of {len(own)} ({100 * np.mean(own):.0f} %)" for own in ranks
            ]
            text.append(f"| {place.split('_')[1]} | `{method}` | {' | '.join(outer)} |")
    (folder / "white_box.md").write_text("\n".join(text) + "\n")
    lines = [
        json.dumps({"place": place, "method": method, "person": person, **{k: round(v, 5) for k, v in n.items()}})
        for (place, method, person), n in found
    ]
    (folder / "white_box.jsonl").write_text("\n".join(lines) + "\n")
