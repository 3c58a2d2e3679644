"""Hyperparameters of each method, chosen on people who are not reported."""

import json
from collections.abc import Sequence
from statistics import mean
from typing import Any

from benchmarks.faces.bench import Bench
from benchmarks.faces.cells import cell_of
from benchmarks.faces.config import MethodPlan, Value
from benchmarks.faces.measures import harmonic
from benchmarks.runner.cell import Cell, Measured
from faceforget.api import write_json


def trials_of(label: str, plan: MethodPlan, bench: Bench) -> list[Cell]:
    """All cells of one method's search."""
    return [cell for candidate in plan.candidates for cell in _trials(label, plan, candidate, bench)]


def _trials(label: str, plan: MethodPlan, candidate: dict[str, Value], bench: Bench) -> list[Cell]:
    method = plan.build(candidate)
    return [
        cell_of(label, bench.config.budgeted(method, len(people)), people, 0, "search", bench)
        for people in bench.search
    ]


def choose(label: str, plan: MethodPlan, bench: Bench, found: Sequence[Measured]) -> dict[str, Any]:
    """The candidate with the best H, the mean over the search people; all scores are recorded.

    H is the harmonic mean of 1 - Acc_f,test and Acc_r,test, on the search people's unseen photos. Ties go to
    the first candidate.
    """
    if not plan.candidates:
        return {}
    known, scores = dict(found), list[dict[str, Any]]()
    for candidate in plan.candidates:
        rows = [known[cell] for cell in _trials(label, plan, candidate, bench)]
        scores.append(
            {
                "settings": candidate,
                "h": mean(harmonic(1 - row["acc_f_test"], row["acc_r_test"]) for row in rows),
                "acc_f_test": mean(row["acc_f_test"] for row in rows),
                "acc_r_test": mean(row["acc_r_test"] for row in rows),
            }
        )
    best = max(scores, key=lambda score: score["h"])
    path = bench.config.results / "search.json"
    recorded = json.loads(path.read_text()) if path.is_file() else {}
    people, at_once = sum(map(len, bench.search)), bench.config.search_together
    record = {"chosen": best["settings"], "scores": scores, "people": people, "at_once": at_once}
    write_json(path, {**recorded, label: record})
    chosen: dict[str, Any] = best["settings"]
    return chosen
