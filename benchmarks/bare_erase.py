"""What a bare ``faceforget erase`` costs everybody else: nothing but the README's words, on real people.

Run from the repository's root: ``python -m benchmarks.bare_erase [--people 3]``.

Ten and 62 people of LFW and the 33 of the web set are enrolled as ``faceforget enroll`` does, with 12 photos each;
some of them are erased, one at a time, as ``faceforget erase MODEL --person P --photos DIR --out M2`` does, from these
photos. Named rightly: unseen photos of everybody else, 8 each on LFW and 12 on the web, before and after. Beside it
DELETE with all layers, which was the default of 0.1. Nothing is chosen by these figures.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.framing import ENROLLED, WEB
from benchmarks.protocol import ROOT, people_with, reported_people, split
from faceforget import api
from faceforget.api.runtime import Runtime
from faceforget.errors import FaceForgetError
from faceforget.files import write_json
from faceforget.people.faces import read_faces
from faceforget.photos.cache import FaceCache
from faceforget.recognizer.recognizer import Recognizer

OLD_DEFAULT = "delete"


@dataclass(frozen=True)
class Row:
    """One erasure.

    Attributes:
        data: Whose photos.
        people: Enrolled.
        method: ``default``, or the name of a method.
        person: Erased.
        before: Per cent of everybody else's unseen photos that are named rightly.
        after: The same in the new model; None where the erasure was refused.
        refused: Why.
    """

    data: str
    people: int
    method: str
    person: str
    before: float
    after: float | None
    refused: str = ""


def data_sets() -> dict[str, tuple[Mapping[str, Sequence[Path]], Mapping[str, Sequence[Path]]]]:
    """Photos to enrol, and unseen ones, by person."""
    parts, ten = split(), reported_people()
    web = people_with(WEB, 2 * ENROLLED)
    return {
        "LFW, ten": ({n: parts["train"][n] for n in ten}, {n: parts["unseen"][n] for n in ten}),
        "web": ({n: p[:ENROLLED] for n, p in web.items()}, {n: p[ENROLLED:] for n, p in web.items()}),
        "LFW": (parts["train"], parts["unseen"]),
    }


def named(model: Recognizer, unseen: Mapping[str, NDArray[np.uint8]], without: str) -> float:
    """Per cent of photos of everybody but one that get the right name."""
    right = [
        answer.name == name
        for name, crops in unseen.items()
        if name != without
        for answer in model.recognize(crops, top=1)
    ]
    return 100 * float(np.mean(right))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=3, help="erased of each set, one at a time")
    parser.add_argument("--output", type=Path, default=ROOT / "benchmarks/results/bare_erase.json")
    args = parser.parse_args()
    runtime, rows = Runtime(cache=FaceCache()), []
    for data, (photos, unseen) in data_sets().items():
        model = api.enroll(photos, runtime=runtime).recognizer
        faces = read_faces(unseen, runtime.intake(model.spec.framing))
        crops = {name: faces.crops(name) for name in faces.photos}
        for person in sorted(photos)[:: len(photos) // args.people][: args.people]:
            before = named(model, crops, person)
            for method in ("default", OLD_DEFAULT):
                chosen = {} if method == "default" else {"method": method, "settings": {"moves": "all"}}
                try:
                    erased = api.erase(model, {person: photos[person]}, runtime=runtime, **chosen).recognizer
                    rows.append(Row(data, len(photos), method, person, before, named(erased, crops, person)))
                except FaceForgetError as error:
                    rows.append(Row(data, len(photos), method, person, before, None, str(error)))
                write_json(args.output, [asdict(row) for row in rows])
                print(rows[-1], flush=True)


if __name__ == "__main__":
    main()
