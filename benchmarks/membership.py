"""Was this very photo enrolled and erased? The attack per photo, with shadow recognisers.

U-LiRA: Hayes et al., "Inexact unlearning needs more careful evaluations to avoid a false sense of privacy"
(arXiv 2403.01218), which is the likelihood ratio attack of Carlini et al. (arXiv 2112.03570) against erasures.
``python -m benchmarks.membership`` writes ``benchmarks/results/membership_lira.json``. Every finished shadow is
kept in the work folder: a run that was stopped goes on, and more shadows can be added later.

Each shadow enrols the same people who stay. Of each studied person it either enrols a random half of the
photos and erases the person, or never enrols them; which of both, and which half, takes turns. So each photo is
met in three worlds: ``read`` (enrolled, and read by the erasure), ``held_back`` (the person was enrolled and
erased, this photo was not used) and ``never`` (the person was never enrolled: the retrained model).

The attacker sees the model as it is handed out, without the person's row. The score of a photo is the
logit-scaled confidence of its best row among the people who stay. A Gaussian for each world, its mean the
photo's own, its variance shared by all photos (there are few shadows), gives the likelihood ratio. In turn each
shadow is the target and the others give the Gaussians. 0.5 cannot tell; beside each erasure stands ``drop_row``,
the same models with nothing but the row removed.
"""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from benchmarks.data import LFW, MOBILEFACENET, RESULTS, ROOT, needed, split
from benchmarks.likelihood import likelihood_ratios, strength
from benchmarks.runner.cell import Cell, Numbers
from benchmarks.runner.command import command
from benchmarks.runner.run import Results, run
from faceforget import api
from faceforget.api import (
    FaceCache,
    FaceSet,
    LoadedBackbone,
    PhotoIntake,
    TrainingSettings,
    load_backbone,
    make_method,
    read_faces,
    sha256_bytes,
    write_json,
)
from faceforget.cli.console import progress_bar
from faceforget.lab import FaceClassifier, Train, detailed, embed_images, enroll_faces, mirror, to_images
from faceforget.unlearn import ForgetSet

READ, HELD_BACK, NEVER = WORLDS = ("read", "held_back", "never")
FEWEST_SHADOWS = 8  # with fewer, some worlds have no other shadow to learn from


@dataclass(frozen=True)
class Settings:
    """What makes two shadows comparable.

    Attributes:
        people: Studied persons.
        retained: People who are enrolled in every shadow.
        method: Erasure method.
        train: ``full`` fine-tunes the backbone at enrolment, ``head`` takes prototypes only.
        epochs: Of the fine-tuning.
        seed: Of the halves.
    """

    people: int = 4
    retained: int = 16
    method: str = "delete"
    train: Train = "full"
    epochs: int = 2
    seed: int = 0


# The paper's: all layers, whose gradients membership is about.
_LAYERS = {"delete": {"moves": "all"}}


def worlds(shadow: int, person: int, photos: int, seed: int = 0) -> list[str]:
    """In which world each of a person's photos is in a shadow; depends on nothing but these numbers.

    In every other shadow the person is never enrolled; of the rest, two in turn read the two halves.
    """
    turn, absent = divmod(shadow + person, 2)
    if absent:
        return [NEVER] * photos
    pair, second = divmod(turn, 2)
    order = np.random.default_rng((seed, person, pair)).permutation(photos)
    read = set(order[photos // 2 :] if second else order[: photos // 2])
    return [READ if index in read else HELD_BACK for index in range(photos)]


def scaled_confidence(classifier: FaceClassifier, images: torch.Tensor, rows: Sequence[int]) -> list[float]:
    """log(p / (1 - p)) of each image's best row among ``rows``, which alone are compared."""
    with torch.no_grad():
        embeddings = embed_images(classifier, images)
        logits = classifier.head(embeddings)[:, list(rows)].double()
    best = logits.max(1)
    others = logits.scatter(1, best.indices[:, None], -torch.inf).logsumexp(1)
    scores: list[float] = (best.values - others).tolist()
    return scores


def run_shadow(
    shadow: int, studied: FaceSet, retained: FaceSet, backbone: LoadedBackbone, settings: Settings
) -> dict[str, Any]:
    """Enrol, erase each studied person by themselves, and score all their photos."""
    start = time.perf_counter()
    names = sorted(studied.photos)
    drawn = {n: worlds(shadow, i, len(studied.photos[n]), settings.seed) for i, n in enumerate(names)}
    enrolled = dict(retained.photos)
    for name in names:
        own = tuple(p for p, world in zip(studied.photos[name], drawn[name], strict=True) if world == READ)
        if own:
            enrolled[name] = own
    plan = api.EnrolmentPlan(settings.train, training=TrainingSettings(epochs=settings.epochs), seed=shadow)
    model = enroll_faces(FaceSet(enrolled), backbone, plan)
    rows = [model.index_of(name) for name in retained.photos]
    people = []
    for name in names:
        images = to_images(studied.crops(name))
        dropped = scaled_confidence(model.classifier, images, rows)
        erased, forgotten = dropped, True
        if name in enrolled:
            read = torch.tensor([world == READ for world in drawn[name]])
            erasure = make_method(settings.method, _LAYERS.get(settings.method))(
                model.classifier, ForgetSet(images[read], (model.index_of(name),)), augment=mirror, seed=shadow
            )
            erased = scaled_confidence(cast(FaceClassifier, erasure.model), images, rows)
            forgotten = erasure.forgotten
        people.append({"worlds": drawn[name], "drop_row": dropped, "erased": erased, "forgotten": forgotten})
    return {"seconds": round(time.perf_counter() - start, 1), "studied": people}


def summarise(shadows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Both attacks, on the erased models and on those whose row was only dropped."""
    people = [[person for person in shadow["studied"]] for shadow in shadows]
    world = np.array([[w for person in row for w in person["worlds"]] for row in people])
    erasures = [p["forgotten"] for row in people for p in row if p["worlds"][0] != NEVER]
    result: dict[str, Any] = {"erasures": len(erasures), "erasures_forgotten": sum(erasures)}
    for models in ("drop_row", "erased"):
        scores = np.array([[s for person in row for s in person[models]] for row in people])
        result[models] = {
            f"{READ}_or_{other}": strength(likelihood_ratios(scores, world == READ, world == other), world == READ)
            for other in (NEVER, HELD_BACK)
        }
        result[models]["mean_score"] = {w: float(scores[world == w].mean()) for w in WORLDS if (world == w).any()}
    return result


def read_photos(source: Path, backbone: LoadedBackbone, settings: Settings) -> tuple[FaceSet, FaceSet]:
    """Faces of the studied persons, 20 photos each, and of those who stay, 12 each; found faces are cached."""
    parts = split(source)
    names = sorted(parts["train"])[: settings.people + settings.retained]
    step = max(1, len(names) // settings.people)
    studied = names[::step][: settings.people]
    intake = PhotoIntake(backbone.spec.framing, cache=FaceCache())
    chosen = {n: [*parts["train"][n], *parts["unseen"][n]] if n in studied else parts["train"][n] for n in names}
    faces = read_faces(chosen, intake)
    return faces.only(studied), faces.only([name for name in names if name not in studied])


@command
def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    defaults = Settings()
    parser.add_argument("--shadows", type=int, default=32, help=f"shadow recognisers, {FEWEST_SHADOWS} at least")
    parser.add_argument("--photos", type=Path, default=LFW, help="a folder of photos per person")
    parser.add_argument("--backbone", default=str(MOBILEFACENET))
    parser.add_argument("--work", type=Path, default=ROOT / "out" / "membership")
    parser.add_argument("--out", type=Path, default=RESULTS / "membership_lira.json")
    parser.add_argument("--train", choices=("full", "head"), default=defaults.train)
    parser.add_argument("--method", default=defaults.method)
    for name in ("people", "retained", "epochs", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(defaults, name))
    options = parser.parse_args(arguments)
    settings = Settings(**{name: getattr(options, name) for name in asdict(defaults)})
    needed(options.photos, options.backbone)
    backbone = load_backbone(options.backbone)
    studied, retained = read_photos(options.photos, backbone, settings)
    content = [photo.sha256 for faces in (studied, retained) for own in faces.photos.values() for photo in own]
    key = sha256_bytes(json.dumps([asdict(settings), backbone.origin, content]).encode())[:12]
    cells = [Cell(options.photos.name, settings.method, seed=number) for number in range(options.shadows)]

    def measure(cell: Cell) -> Numbers:
        return run_shadow(cell.seed, studied, retained, backbone, settings)

    with progress_bar() as progress:
        found = run(cells, measure, Results(options.work / f"{key}.jsonl"), stage="shadows", progress=progress)
    shadows = [numbers for _, numbers in found]
    result = {
        "settings": asdict(settings),
        "backbone": backbone.origin,
        "shadows": len(shadows),
        "seconds_per_shadow": round(float(np.mean([shadow["seconds"] for shadow in shadows])), 1),
        "photos": {"studied": studied.count, "retained": retained.count},
        **summarise(shadows),
    }
    write_json(options.out, detailed(result))  # type: ignore[arg-type]
    for models in ("drop_row", "erased"):
        for attack in (f"{READ}_or_{NEVER}", f"{READ}_or_{HELD_BACK}"):
            print(models, attack, result[models][attack]["auc"])


if __name__ == "__main__":
    main()
