"""Hyperparameters of each method, chosen on people who are not reported."""

import json
from typing import Any

from benchmarks.faces.cells import Cell, outcome_of
from benchmarks.faces.config import MethodPlan
from benchmarks.faces.measures import harmonic, measures
from benchmarks.faces.world import World
from faceforget.files import write_json


def trials_of(label: str, plan: MethodPlan, world: World) -> list[Cell]:
    """All cells of one method's search."""
    return [
        Cell(label, plan.build(candidate), (person,), 0) for candidate in plan.candidates for person in world.search
    ]


def choose(label: str, plan: MethodPlan, world: World) -> dict[str, Any]:
    """The candidate with the best H, the mean over the search people; all scores are recorded.

    H is the harmonic mean of 1 - Acc_f,test and Acc_r,test, on the search people's unseen photos. Ties go to
    the first candidate.
    """
    if not plan.candidates:
        return {}
    scores = []
    for candidate in plan.candidates:
        cells = [Cell(label, plan.build(candidate), (person,), 0) for person in world.search]
        found = [measures(cell, outcome_of(cell, world), world) for cell in cells]
        scores.append(
            {
                "settings": candidate,
                "h": sum(harmonic(1 - row["acc_f_test"], row["acc_r_test"]) for row in found) / len(found),
                "acc_f_test": sum(row["acc_f_test"] for row in found) / len(found),
                "acc_r_test": sum(row["acc_r_test"] for row in found) / len(found),
            }
        )
    best = max(scores, key=lambda score: score["h"])
    path = world.config.results / "search.json"
    recorded = json.loads(path.read_text()) if path.is_file() else {}
    write_json(path, {**recorded, label: {"chosen": best["settings"], "scores": scores, "people": len(world.search)}})
    chosen: dict[str, Any] = best["settings"]
    return chosen
