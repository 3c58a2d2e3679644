"""The benchmark's bookkeeping: fair searches, resumed cells, numbers with a known answer."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError
from scipy import stats
from torch.nn import functional

from benchmarks.data import ROOT
from benchmarks.faces.__main__ import cells_of, work_of
from benchmarks.faces.bench import Bench, Photos
from benchmarks.faces.cells import Outcome, cell_of, in_turn, outcome_of, path_of
from benchmarks.faces.config import Config, MethodPlan, read_config
from benchmarks.faces.figures import write_figures
from benchmarks.faces.measures import harmonic, measured, measures
from benchmarks.faces.search import choose, trials_of
from benchmarks.faces.table import table
from benchmarks.figures import trade_off
from benchmarks.runner.cell import Cell, Measured
from benchmarks.runner.spread import by_people, half_interval, spread
from faceforget.errors import UsageError
from faceforget.recognizer.enroll import labelled_images
from faceforget.unlearn.methods.trivial.drop_row import DropRow
from faceforget.unlearn.registry import METHODS, make_method


def config(tmp_path, **more):
    methods = {name: {"method": name} for name in ("drop_row", "head_only", "delete", "influence")}
    methods["pour"] = {"method": "pour", "candidates": [{"direction": "row"}, {"direction": "photos"}]}
    values = {"work": tmp_path, "results": tmp_path / "results", "methods": methods, "retained_photos": 2}
    return Config.model_validate({**values, **more})


def crowd(count):
    """A recogniser of so many people."""
    return SimpleNamespace(labels=tuple(f"person {index:02}" for index in range(count)), weights_hash=lambda: "0" * 64)


def cell(bench, label, people, table="single", seed=0, **settings):
    return cell_of(label, make_method(bench.config.methods[label].method, settings), people, seed, table, bench)


@pytest.fixture
def bench(faces, recognizer, names, tmp_path):
    images, rows = labelled_images(faces, names, "cpu")
    later = torch.arange(len(rows)) % 6 >= 4
    parts = Photos(images[~later], rows[~later]), Photos(images[later], rows[later])
    return Bench(config(tmp_path), recognizer, None, *parts)


@pytest.mark.parametrize("name", ["single", "several", "in_turn", "smoke"])
def test_the_configurations_here_are_valid(name):
    assert read_config(ROOT / "benchmarks" / "faces" / f"{name}.toml").methods


def test_the_single_table_has_every_method_and_one_budget():
    single = read_config(ROOT / "benchmarks" / "faces" / "single.toml")
    assert {plan.method for plan in single.methods.values()} == set(METHODS)


def test_a_method_with_more_candidates_than_the_others_is_refused(tmp_path):
    with pytest.raises(ValidationError, match="more than the budget 1"):
        config(tmp_path, budget=1)


def test_nobody_is_both_searched_on_and_reported(bench):
    many = replace(bench, recognizer=crowd(62))
    many = replace(many, config=many.config.model_copy(update={"search_people": 10, "erase": 10, "groups": 5}))
    assert len(many.reported) == len(many.search) == 10
    searched = {person for people in many.search for person in people}
    assert not searched & {*many.reported, *itertools.chain(*many.groups)}


def test_groups_of_ten_share_nobody_and_the_search_may_take_one(bench):
    many = replace(bench, recognizer=crowd(62))
    over = {"search_people": 10, "search_together": True, "groups": 5}
    many = replace(many, config=many.config.model_copy(update=over))
    assert [len(people) for people in many.search] == [10]
    assert [len(set(group)) for group in many.groups] == [20] * 5
    for one, other in itertools.combinations(many.groups, 2):
        assert not set(one[:10]) & set(other[:10])


def test_too_few_people_are_refused_before_anything_runs(bench):
    some = replace(bench, recognizer=crowd(40))
    for over, words in (
        ({"search_people": 7}, "7 people to search on, found 6"),
        ({"together": (1, 20)}, "20 people in each group, found 14"),
    ):
        with pytest.raises(UsageError, match=words):
            replace(some, config=some.config.model_copy(update=over)).require_people()
    fine = {"kinds": ("single",), "together": (1, 20)}
    replace(some, config=some.config.model_copy(update=fine)).require_people()


def test_steps_count_in_passes_over_everybodys_photos(tmp_path):
    passes = config(tmp_path, passes=20, train_photos=12)
    delete, influence = make_method("delete", {"learning_rate": 1e-3}), make_method("influence")
    steps = [passes.budgeted(delete, people).settings.max_steps for people in (1, 5, 10, 20)]
    assert steps == [20, 40, 80, 160]  # of 12, 60, 120 and 240 photos in batches of 32
    assert passes.budgeted(delete, 20).settings.learning_rate == 1e-3
    assert passes.budgeted(influence, 20) is influence
    assert config(tmp_path).budgeted(delete, 20) is delete


def test_a_cell_is_run_once_and_then_read(bench, names, monkeypatch):
    asked = cell(bench, "pour", names[:1])
    first = outcome_of(asked, bench)
    monkeypatch.setattr("benchmarks.faces.cells._erase", lambda *_: pytest.fail("it was run again"))
    again = outcome_of(asked, bench)
    assert torch.equal(first.embeddings, again.embeddings)
    assert first.record == again.record
    assert path_of(cell(bench, "pour", names[:1], direction="row"), bench) != path_of(asked, bench)


def test_features_that_did_not_change_are_not_embedded_again(bench, names, monkeypatch):
    expected = bench.embeddings[bench.measured([names[0]])]
    monkeypatch.setattr("benchmarks.faces.cells.embed_images", lambda *_: pytest.fail("embedded again"))
    outcome = outcome_of(cell(bench, "head_only", names[:1]), bench)
    assert torch.equal(outcome.embeddings, expected)


def test_a_method_that_diverged_has_erased_nothing(bench, names):
    row = measured(bench, cell(bench, "delete", names[:1], moves="all", learning_rate=1e30, margin=None))
    assert row["failed"] == 1
    assert row["acc_f_test"] == row["old_row"] > 0


def test_one_after_another_goes_on_from_the_last_model_without_its_people(bench, names, monkeypatch):
    seen = []
    call = DropRow.__call__

    def watch(self, model, forget, **options):
        erasure = call(self, model, forget, **options)
        seen.append((model, erasure.model, forget.classes, set(forget.retained.labels.tolist())))
        return erasure

    monkeypatch.setattr(DropRow, "__call__", watch)
    outcome_of(cell(bench, "drop_row", (names[0], names[2]), "in_turn_2"), bench)
    (first, between, *of_first), (second, _, *of_second) = seen
    assert first is bench.recognizer.classifier
    assert second is between
    assert of_first == [(0,), {1, 2, 3}]
    assert of_second == [(2,), {1, 3}]


def test_erasures_in_turn_leave_the_shorter_ones_on_their_way(bench, names, monkeypatch):
    bench = replace(bench, config=bench.config.model_copy(update={"together": (1, 2)}))
    chain = cell(bench, "pour", (names[0], names[2]), "in_turn_2")
    outcome_of(chain, bench)
    monkeypatch.setattr("benchmarks.faces.cells._erase", lambda *_: pytest.fail("it was run again"))
    first = outcome_of(replace(chain, people=(names[0],)), bench)
    assert first.record["people"] == [names[0]]
    assert len(first.embeddings) == len(bench.measured([names[0]]))
    assert not torch.allclose(first.embeddings[-6:], outcome_of(chain, bench).embeddings[-6:], atol=1e-3)


def test_only_the_longest_of_erasures_in_turn_is_work(bench, names):
    rows = {f"in_turn_{count}": {"pour": [cell(bench, "pour", names[:count], f"in_turn_{count}")]} for count in (2, 3)}
    rows["together_2"] = {"pour": [cell(bench, "pour", names[:2], "together_2")]}
    work = [(len(one.people), one.table) for one in work_of(rows, bench)]
    assert work == [(2, "together_2"), (3, "in_turn_3")]


def test_work_goes_group_by_group(bench):
    many = replace(bench, recognizer=crowd(62))
    over = {"kinds": ("together", "in_turn"), "together": (1, 5), "groups": 2, "seeds": (0,)}
    plans = {"pour": MethodPlan(method="pour", several=True), "drop_row": MethodPlan(method="drop_row")}
    many = replace(many, config=many.config.model_copy(update=over))
    tables = cells_of(many, plans, {label: plan.build() for label, plan in plans.items()})
    assert [(name, *rows) for name, rows in tables.items()] == [
        ("together_1", "pour"), ("together_5", "pour"), ("in_turn_5", "pour"),
    ]  # fmt: skip
    work = [(many.names.index(c.people[0]), len(c.people), in_turn(c, many)) for c in work_of(tables, many)]
    assert work == [(2, 1, False), (2, 5, False), (3, 1, False), (3, 5, False), (2, 5, True), (3, 5, True)]


def test_the_search_is_recorded_and_picks_the_best(bench):
    bench = replace(bench, recognizer=crowd(8))
    plan = bench.config.methods["pour"]
    left = {"row": 0.0, "photos": 0.5}
    found = [
        Measured(one, {"acc_f_test": left[dict(one.settings)["direction"]], "acc_r_test": 1.0})
        for one in trials_of("pour", plan, bench)
    ]
    assert choose("pour", plan, bench, found) == {"direction": "row"}
    assert '"h": 1.0' in (bench.config.results / "search.json").read_text()


def small_bench(old_rows, labels, unseen):
    """Everything that `measures` looks at."""
    head = SimpleNamespace(weight=old_rows, scale=16)
    recognizer = SimpleNamespace(index_of=int, classifier=SimpleNamespace(head=head))
    photos, train = SimpleNamespace(rows=torch.tensor(labels)), SimpleNamespace(rows=labels[unseen:])
    plans = {name: MethodPlan(method=name) for name in ("head_only", "drop_row")}
    return SimpleNamespace(
        config=SimpleNamespace(methods=plans),
        recognizer=recognizer,
        photos=photos,
        train=train,
        measured=lambda people: torch.arange(len(labels)),
    )


def test_numbers_by_hand():
    """Three people on three axes; person 0's row was turned away, the features are as they were."""
    axes = torch.eye(3)
    moved = torch.stack([-axes[0], axes[1], axes[2]])
    # One train photo each, then two unseen of person 0, two of 1 (one looks like 2), two of 2.
    embeddings = axes[[0, 1, 2, 0, 0, 1, 2, 2, 2]]
    bench = small_bench(axes, [0, 1, 2, 0, 0, 1, 1, 2, 2], unseen=6)
    asked = Cell("three", "head_only", ("0",))
    row = measures(asked, Outcome({"seconds": 1.0}, embeddings, moved), bench)
    assert (row["acc_f_train"], row["acc_f_test"], row["acc_r_train"], row["acc_r_test"]) == (0, 0, 1, 0.75)
    assert row["worst_person"] == 0.5
    assert row["h"] == pytest.approx(2 * 0.75 / 1.75)
    assert row["old_row"] == 1
    dropped = measures(replace(asked, method="drop_row"), Outcome({}, embeddings, axes), bench)
    assert (dropped["acc_f_test"], dropped["old_row"]) == (0, 1)


def test_membership_by_hand():
    """Enrolled photos lie on somebody's axis, unseen ones aside; the erased person's look like person 2's."""
    axes = torch.eye(4)
    aside = functional.normalize(axes + 0.5 * axes.roll(1, 0), dim=1)
    bench = small_bench(axes, [0, 1, 2, 3] * 4, unseen=8)
    asked = Cell("four", "drop_row", ("0",))
    told = torch.cat([axes[[2, 1, 2, 3] * 2], aside[[2, 1, 2, 3] * 2]])
    row = measures(asked, Outcome({}, told, axes), bench)
    assert (row["member_train"], row["member_test"]) == (1, 0)
    alike = told.clone()
    alike[[0, 4]] = aside[2]
    row = measures(asked, Outcome({}, alike, axes), bench)
    assert (row["member_train"], row["member_test"]) == (0, 0)


def test_a_model_is_measured_on_all_photos_of_the_erased_and_some_of_the_others(bench, names):
    gone = bench.recognizer.index_of(names[1])
    index = bench.measured([names[1]])
    rows, train = bench.photos.rows[index], len(bench.train.rows)
    counts = torch.bincount(rows[index < train], minlength=len(names)).tolist()
    assert counts == [4 if row == gone else 2 for row in range(len(names))]
    assert (index >= train).sum() == len(bench.unseen.rows)
    assert index.tolist() == sorted(index.tolist())


def test_seeds_of_a_person_are_averaged_before_the_interval():
    found = [("a", 0.1), ("a", 0.3), ("b", 0.4), ("b", 0.4)]
    assert by_people(found) == [pytest.approx(0.2), pytest.approx(0.4)]
    assert spread(found, max) == f"30.0 ± {100 * half_interval([0.2, 0.4]):.1f} (40.0)"
    assert spread([]) == ""


def test_the_interval_is_scipys():
    values = [0.9, 0.95, 1.0, 0.97]
    low, high = stats.t.interval(0.95, 3, loc=sum(values) / 4, scale=stats.sem(values))
    assert half_interval(values) == pytest.approx((high - low) / 2)
    assert harmonic(0, 0) == 0


def test_a_table_names_the_worst_run_and_the_failures():
    good = {"acc_f_train": 0, "acc_f_test": 0, "acc_r_train": 1, "acc_r_test": 1, "h": 1, "old_row": 0}
    good |= {"worst_person": 1, "member_train": 0, "member_test": 0, "seconds": 2, "failed": 0}
    bad = {**good, "acc_f_test": 0.5, "failed": 1}
    runs = [Measured(Cell("here", "delete", (who,)), numbers) for who, numbers in (("a", good), ("b", bad))]
    text = table({"delete": runs}, {"delete": "forget photos"})
    assert "25.0 ± " in text
    assert "(50.0)" in text
    assert "2 (1 failed)" in text


def test_what_has_no_randomness_runs_with_one_seed(bench):
    cells = cells_of(bench, bench.config.methods, {"pour": make_method("pour"), "delete": make_method("delete")})
    assert (len(cells["single"]["pour"]), len(cells["single"]["delete"])) == (1, 3)


def test_figures_are_drawn_from_what_the_tables_hold(bench, names, tmp_path):
    cells = {label: cell(bench, label, names[:1]) for label in ("drop_row", "pour")}
    maps = {"delete": (cells["pour"], outcome_of(cells["pour"], bench))}
    rows = {
        label: [Measured(replace(one, seed=seed), measured(bench, one)) for seed in (0, 1)]
        for label, one in cells.items()
    }
    write_figures({"single": rows, "together_1": rows, "together_2": rows}, tmp_path, maps, bench)
    assert {path.stem for path in tmp_path.glob("*.png")} == {"trade_off", "stability", "over_people_together", "map"}
    write_figures({"in_turn_1": rows, "in_turn_2": rows}, tmp_path / "several", {}, bench)
    assert [path.stem for path in (tmp_path / "several").glob("*.png")] == ["over_people_in_turn"]
    axes = trade_off(rows).axes[0]
    assert {text.get_text() for text in axes.texts} == {"drop_row", "pour"}
    forgotten = 100 * (1 - rows["pour"][0].numbers["acc_f_test"])
    assert any(line.get_xdata()[0] == pytest.approx(forgotten) for line in axes.lines)
