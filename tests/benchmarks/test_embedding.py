"""The benchmark of both promises: who is measured, and what its table says."""

from pathlib import Path

import pytest

from benchmarks.embedding.__main__ import cells
from benchmarks.embedding.table import written
from benchmarks.runner.cell import Cell, Measured
from benchmarks.world import World

NAMES = tuple(f"person {number:02}" for number in range(62))
SEARCHED = [*NAMES[5::6][:10], *NAMES[::6][:10]]


@pytest.fixture
def worlds(monkeypatch):
    monkeypatch.setattr("benchmarks.world.search_people", lambda: SEARCHED)
    found = {
        (name, seed): World(Path(), "mobile", seed, Path(), searched=name != "second")
        for name, seed in (("mobile", 0), ("ms1m", 0), ("mobile", 1), ("second", 0))
    }
    for world in found.values():
        world.__dict__["photos"] = {"train": {name: [] for name in NAMES}}
    return found


def test_nobody_who_is_measured_was_searched_on(worlds):
    planned = [cell for cell in cells(worlds) if worlds[cell.world, cell.seed].searched]
    assert planned
    assert not {person for cell in planned for person in cell.people} & set(SEARCHED)


def test_no_cell_is_planned_twice(worlds):
    planned = cells(worlds)
    assert len(set(planned)) == len(planned)


def test_each_table_has_the_runs_it_is_made_of(worlds):
    sizes = {}
    for cell in cells(worlds):
        sizes.setdefault((cell.table, cell.world, cell.seed, cell.method), []).append(len(cell.people))
    assert sizes["single", "mobile", 1, "dispersed"] == [1] * 10
    assert sizes["20_at_once", "ms1m", 0, "anchored"] == [20] * 3
    assert sizes["five_photos", "mobile", 0, "anchored"] == [1] * 10
    assert sizes["single", "mobile", 0, "retrain"] == [1] * 5


def numbers(**more):
    found = dict.fromkeys(("acc_f", "acc_r", "acc_r_before", "named", "named_before", "nearest", "nearest_before",
                           "tar_f", "tar_s", "tar_s_before", "rank_1"), 0.5)  # fmt: skip
    verdict = {"forgotten": "passed", "unrecognisable": "partial", "others_kept": "failed"}
    return {**found, "verdict": verdict, **more}


def test_the_table_by_hand():
    first, second = (Cell("mobile", "anchored", (person,), "single") for person in "ab")
    timed = Cell("mobile", "anchored", ("a",), "seconds")
    text = written(
        [
            Measured(first, numbers(acc_r=0.4, relearned=3.0, relearned_stranger=4.0)),
            Measured(second, numbers(acc_r=0.6, relearned=None, relearned_stranger=4.0)),
            Measured(timed, {"seconds": 2.0}),
        ],
        9,
    )
    assert "3 of 9 cells" in text
    assert "| anchored | mobile | 50.0 ± 0.0 (50.0) | 0.0 ± 127.1 (-10.0) |" in text
    assert "| 2 / 0 / 0 | 0 / 2 / 0 | 0 / 0 / 2 | 2 |" in text
    assert "| anchored | mobile | never (fewest 3.0) | 4.0 | 1 of 2 |" in text
    assert "| anchored | 2.0 s | 2.0 s |" in text
