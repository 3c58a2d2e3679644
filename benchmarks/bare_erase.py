"""What a bare ``faceforget erase`` costs everybody else: nothing but the README's words, on real people.

Run from the repository's root: ``python -m benchmarks.bare_erase [--people 3]``.

Ten and 62 people of LFW and the 33 of the web set are enrolled as ``faceforget enroll`` does, with 12 photos each;
some of them are erased, one at a time, as ``faceforget erase MODEL --person P --photos DIR --out M2`` does, from these
photos. Named rightly: unseen photos of everybody else, 8 each on LFW and 12 on the web, before and after. Beside it
DELETE with all layers, which was the default of 0.1. Nothing is chosen by these figures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import LFW, RESULTS, ROOT, WEB, halves, needed, reported_people, split
from benchmarks.runner.cell import Cell, Numbers
from benchmarks.runner.command import command, options_of, run_all
from benchmarks.runner.table import by, counted, markdown, percent
from faceforget import api
from faceforget.api import FaceCache, Recognizer, read_faces
from faceforget.cli.console import progress_bar
from faceforget.errors import FaceForgetError

# A bare command, and the default of 0.1.
METHODS: Mapping[str, dict[str, Any]] = {
    "default": {},
    "delete_all_layers": {"method": "delete", "settings": {"moves": "all"}},
}


@dataclass(frozen=True)
class Team:
    """Photos to enrol, and unseen ones, by person."""

    photos: Mapping[str, Sequence[Path]]
    unseen: Mapping[str, Sequence[Path]]
    runtime: api.Runtime

    @cached_property
    def model(self) -> Recognizer:
        """Enrolled as ``faceforget enroll`` does."""
        return api.enroll(self.photos, runtime=self.runtime).recognizer

    def named(self, model: Recognizer, without: str) -> float:
        """Share of photos of everybody but one that get the right name."""
        right = [
            answer.name == name
            for name, crops in self._crops.items()
            if name != without
            for answer in model.recognize(crops, top=1)
        ]
        return float(np.mean(right))

    @cached_property
    def _crops(self) -> dict[str, np.ndarray]:
        faces = read_faces(self.unseen, self.runtime.intake(self.model.spec.framing))
        return {name: faces.crops(name) for name in faces.photos}


def teams(runtime: api.Runtime) -> dict[str, Team]:
    """By name."""
    parts, ten = split(), reported_people()
    return {
        "LFW, ten": Team({n: parts["train"][n] for n in ten}, {n: parts["unseen"][n] for n in ten}, runtime),
        "web": Team(*halves(WEB), runtime),
        "LFW": Team(parts["train"], parts["unseen"], runtime),
    }


def measured(found: Mapping[str, Team], cell: Cell) -> Numbers:
    """Before and after; why, where the erasure was refused."""
    team, (person,) = found[cell.world], cell.people
    before = {"named_before": team.named(team.model, person)}
    try:
        after = api.erase(
            team.model, {person: team.photos[person]}, runtime=team.runtime, **METHODS[cell.method]
        ).recognizer
    except FaceForgetError as error:
        return {**before, "named": None, "failed": 1, "refused": str(error)}
    return {**before, "named": team.named(after, person)}


@command
def main() -> None:
    parser = options_of(__doc__, ROOT / "out" / "bare_erase", RESULTS)
    parser.add_argument("--people", type=int, default=3, help="erased of each set, one at a time")
    options = parser.parse_args()
    needed(LFW, WEB)
    with progress_bar() as progress:
        found = teams(api.Runtime(cache=FaceCache(), progress=progress))
        cells = [
            Cell(name, method, (person,))
            for name, team in found.items()
            for person in sorted(team.photos)[:: len(team.photos) // options.people][: options.people]
            for method in METHODS
        ]
        measures = run_all("bare_erase", cells, partial(measured, found), options, progress)
    columns = percent("named before", "named_before", min), percent("after", "named", min), counted()
    print("\n".join(markdown(("people", "method"), columns, by(measures, lambda cell: (cell.world, cell.method)))))


if __name__ == "__main__":
    main()
