"""kill -9 at every step, then --resume: the same model, the same ledger, nothing half-done.

The machinery is the benchmark's (``python -m benchmarks.faults``), which kills some hundred times.
"""

import random

import pytest

from benchmarks.faults.scenarios import scenarios_in

# What batches of two, and one of three by two methods, go through; a test checks that this is all.
PLANNED = ("stored", "stored", "plan", "planned")
PASS = ("running", "candidate", "erased")
END = ("copies", "purged", "destroyed", "receipt", "closed")
STEPS = {
    "joint": (*PLANNED, *PASS, "audited", "live", *END, *END),
    "sequential": (*PLANNED, *(*PASS, "audited", "live", *END) * 2),
    # The first and the third in one pass, then the second, by another method, from the model that these left.
    "two methods": ("stored", *PLANNED, *PASS, "audited", "live", *END, *END, *PASS, "audited", "live", *END),
    # Among others, then alone once the other is live.
    "one fails": (
        *(*PLANNED, *PASS, "running", *PASS, "audited", "live", *END),
        *(*PASS, "failed", "destroyed", "receipt", "closed"),
    ),
}
# Every step of a joint batch; of the others those at which they differ from it.
KILLS = [
    *(("joint", index) for index in range(len(STEPS["joint"]))),
    *(("sequential", index) for index in (8, 14, 17)),
    *(("one fails", index) for index in (7, 10, 12, 17, 18, 21)),
    *(("two methods", index) for index in (4, 7, 9, 14, 19, 20, 22, 24)),
]
# What is erased and judged after these is computed: one kill of each kind that leaves a pass to do. After the others it
# is what the undisturbed run got for the same photos and weights; in the benchmark it is computed after all.
ANEW = {("joint", 4), ("sequential", 8), ("one fails", 7), ("two methods", 7)}


@pytest.fixture(scope="module")
def scenarios(people, names, model_file, tmp_path_factory):
    """Scenarios by kind: two people or three, six photos each."""
    return scenarios_in(tmp_path_factory.mktemp("faults"), model_file, {name: people[name] for name in names[:3]})


def test_these_are_all_the_steps(scenarios):
    assert {kind: scenario.undisturbed.steps for kind, scenario in scenarios.items()} == STEPS


@pytest.mark.parametrize(("kind", "index"), KILLS, ids=[f"{kind}-{i}-{STEPS[kind][i]}" for kind, i in KILLS])
def test_killed_at_any_step_and_resumed(scenarios, kind, index):
    scenarios[kind].kill_at(index, anew=(kind, index) in ANEW)


def test_killed_again_and_again_at_random_moments(scenarios):
    scenarios["joint"].kill_at_random(random.Random(0), 6)


def test_killed_at_random_moments_with_two_methods(scenarios):
    scenarios["two methods"].kill_at_random(random.Random(1), 3)
