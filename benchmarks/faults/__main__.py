"""``kill -9`` at every step of a batch and at random moments, then resume: does it end as if nothing had happened?

``python -m benchmarks.faults --kills 200`` writes benchmarks/results/faults.md. The tests run a small part of it.
"""

import argparse
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch

from benchmarks.data import RESULTS
from benchmarks.faults.scenarios import KINDS, enrolled, scenarios_in
from benchmarks.runner.command import command
from faceforget.api import read_people
from faceforget.lab import SHIPPED_PEOPLE

OUT = RESULTS / "faults.md"


@command
def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="at least every step of every kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    people = {name: photos[:6] for name, photos in list(read_people(SHIPPED_PEOPLE).items())[:8]}
    moments, counts, start = random.Random(chosen.seed), Counter[str](), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "team.safetensors"
        enrolled(model, people)
        asked = {name: people[name] for name in sorted(people)[:3]}
        scenarios = scenarios_in(Path(folder), model, asked)
        for kind, scenario in scenarios.items():
            for index, name in enumerate(scenario.undisturbed.steps):
                scenario.kill_at(index)
                counts[name] += 1
                print(f"{sum(counts.values())}: {kind}, after {name}, {time.monotonic() - start:.0f} s", flush=True)
        while sum(counts.values()) < chosen.kills:
            kills = min(moments.randint(1, 8), chosen.kills - sum(counts.values()))
            kind = moments.choice(KINDS)
            scenarios[kind].kill_at_random(moments, kills)
            counts["random moment"] += kills
            print(f"{sum(counts.values())}: {kind}, at random, {time.monotonic() - start:.0f} s", flush=True)
    rows = "\n".join(f"| {name} | {count} |" for name, count in counts.items())
    text = (
        f"# Killed {sum(counts.values())} times, resumed each time\n\n"
        "`python -m benchmarks.faults`: batches of two rendered people on `mobile` (joint, sequential, one in which "
        "an audit fails) and of three by two methods, killed with SIGKILL after each of their steps and at random "
        "moments. Each ended with the same model (SHA-256), the same entries in the ledger, valid receipts, no "
        "half-written file, no candidate model and no open request; at no kill was a model in use that had not "
        "passed its audit.\n\n"
        f"| killed after | times |\n|---|---|\n{rows}\n\n{time.monotonic() - start:.0f} s on one core.\n"
    )
    chosen.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
