"""What every benchmark's cells, results and tables do."""

import math

import pytest

from benchmarks.delete_on_faces import written
from benchmarks.runner.cell import Cell, Measured, line_of, measured_in, pairs
from benchmarks.runner.command import kept_in, options_of, run_all
from benchmarks.runner.run import Results, run
from benchmarks.runner.table import average, by, by_method, change, counted, markdown, percent, settings, write_csv

ADA, EVE = Cell("lfw", "delete", ("Ada",), "one"), Cell("lfw", "delete", ("Eve",), "one", 1)
SEARCHED = Cell("lfw", "delete", ("Ada", "Eve"), settings=pairs({"learning_rate": 1e-3, "margin": None}))


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "kept" / "cells.jsonl")


@pytest.mark.parametrize("cell", [ADA, EVE, SEARCHED, Cell("camvid", "original")])
def test_a_line_is_read_as_it_was_written(cell):
    numbers = {"named": 0.25, "seconds": None, "verdict": {"forgotten": "passed"}}
    assert measured_in(line_of(cell, numbers)) == Measured(cell, numbers)


def test_what_is_not_a_number_is_null_and_fractions_are_short():
    line = line_of(ADA, {"named": 1 / 3, "seconds": math.nan})
    assert line.endswith('"named": 0.3333333, "seconds": null}')


def test_what_is_there_is_not_measured_again(results):
    asked = []

    def measure(cell):
        asked.append(cell)
        return {"named": len(asked)}

    run([ADA], measure, results)
    found = run([EVE, ADA], measure, results)
    assert asked == [ADA, EVE]
    assert [(cell, numbers["named"]) for cell, numbers in found] == [(EVE, 2), (ADA, 1)]


def test_a_crash_loses_nothing_that_was_measured(results):
    def measure(cell):
        if cell == EVE:
            raise KeyboardInterrupt
        return {"named": 1.0}

    with pytest.raises(KeyboardInterrupt):
        run([ADA, EVE], measure, results)
    with results.path.open("a") as file:
        file.write('{"world": "lfw", "method": "del')  # as a machine that goes off leaves it
    assert list(results.read()) == [ADA]
    run([ADA, EVE], lambda cell: {"named": 0.5}, results)
    assert [numbers["named"] for numbers in results.read().values()] == [1.0, 0.5]
    assert results.path.read_text().count("\n") == 2


def test_processes_share_a_plan(results):
    cells = [Cell("lfw", "delete", (str(number),)) for number in range(5)]
    for part in range(2):
        run(cells, lambda cell, part=part: {"by": part}, results, part=(part, 2))
    assert [numbers["by"] for _, numbers in results.of(cells)] == [0, 1, 0, 1, 0]


def test_each_cell_is_an_event(results):
    events = []
    run([ADA, EVE], lambda cell: {}, results, stage="erasing", progress=events.append)
    assert [(event.stage, event.done, event.total) for event in events[:3]] == [
        ("erasing", 0, 2), ("erasing", 1, 2), ("erasing", 2, 2),
    ]  # fmt: skip


def test_time_left_is_said_where_there_is_no_bar(results, capsys):
    run([ADA, EVE], lambda cell: {}, results)
    assert capsys.readouterr().err.splitlines()[0] == "1/2 one lfw delete Ada seed 0, 0 min left"


def options(tmp_path, *arguments):
    return options_of("", tmp_path / "work", tmp_path / "results").parse_args(arguments)


def test_a_part_writes_no_results_and_the_whole_does(tmp_path):
    def measured(*arguments):
        return run_all("x", [ADA, EVE], lambda cell: {"own": 0.5}, options(tmp_path, *arguments), lambda event: None)

    assert measured("--part", "1/2") == []
    assert not (tmp_path / "results").exists()
    assert [cell for cell, _ in measured("--tables")] == [EVE]
    assert [cell for cell, _ in measured()] == [ADA, EVE]
    assert list(Results(tmp_path / "results" / "x.jsonl").read()) == [ADA, EVE]


def test_nothing_measured_leaves_stored_results_alone(tmp_path):
    stored = Results(tmp_path / "results" / "x.jsonl")
    stored.replace([Measured(ADA, {"own": 0.5})])
    assert run_all("x", [ADA], lambda cell: {}, options(tmp_path, "--tables"), lambda event: None) == []
    assert list(stored.read()) == [ADA]


def test_a_run_goes_on_from_stored_results_where_it_is_told_to(tmp_path):
    Results(tmp_path / "results" / "x.jsonl").replace([Measured(ADA, {"own": 0.5})])
    assert not kept_in(options(tmp_path), "x").read()
    assert list(kept_in(options(tmp_path, "--go-on"), "x").read()) == [ADA]


def test_a_table_by_hand():
    found = [
        Measured(Cell("lfw", "delete", ("Ada",), seed=0), {"named": 0.5, "named_before": 1.0, "seconds": 2.0}),
        Measured(Cell("lfw", "delete", ("Ada",), seed=1), {"named": 0.7, "named_before": 1.0, "seconds": None}),
        Measured(Cell("lfw", "delete", ("Eve",)), {"named": 0.6, "named_before": None, "seconds": 4.0}),
        Measured(Cell("lfw", "drop_row", ("Ada",)), {"named": None, "named_before": 1.0, "failed": 1}),
    ]
    columns = [
        percent("named", "named", max), change("Δ named", "named", min), average("seconds", "seconds"), counted(),
        settings({"delete": {"rate": 0.1}}),
    ]  # fmt: skip
    lines = markdown(("method",), columns, by(found, lambda cell: (cell.method,)))
    assert lines == [
        "| method | named | Δ named | seconds | runs | settings |",
        "|---|---|---|---|---|---|",
        "| delete | 60.0 ± 0.0 (70.0) | -40.0 (-50.0) | 3 | 3 | rate=0.1 |",
        "| drop_row |  |  |  | 1 (1 failed) |  |",
    ]


def test_another_world_is_not_averaged_with_this_one():
    found = [Measured(Cell(world, "delete", ("Ada",)), {"named": value}) for world, value in (("a", 0), ("b", 1))]
    assert percent("", "named").text(found) == "50.0 ± 635.3"


def test_a_method_that_ended_with_an_error_is_marked():
    found = [Measured(ADA, {"error": "diverged"}), Measured(EVE, {})]
    assert list(by_method(found)) == [("delete (failed)",)]


def test_runs_as_csv(tmp_path):
    rows = [({"method": "delete", "who": 0}, {"h": 0.123456789, "seconds": None})]
    write_csv(tmp_path / "runs.csv", ("h", "seconds"), rows, ".4f")
    assert (tmp_path / "runs.csv").read_text() == "method,who,h,seconds\ndelete,0,0.1235,nan\n"


def test_the_table_of_delete_says_how_much_of_it_is_there():
    keys = ("own", "others", "tar_strangers", "strangers", "tar_own")
    numbers = dict.fromkeys((*keys, *(f"{key}_before" for key in keys), "seconds"), 0.5)
    worlds = ("web_mobile", "delete"), ("web_mobile", "control")
    found = [Measured(Cell(world, method, ("Ada",), "one"), numbers) for world, method in reversed(worlds)]
    lines = written(found, 4, 2).splitlines()
    assert "2 of 4 cells" in lines[2]
    assert [line.split(" | ")[:3] for line in lines[-2:]] == [
        ["| web", "mobile", "`delete`"], ["| web", "mobile", "`control`"],
    ]  # fmt: skip
