"""Reports of hand-made numbers."""

from dataclasses import replace

import numpy as np

from faceforget.audit.classifier import ClassifierCheck
from faceforget.audit.estimates import Estimate, Rate, Sides, not_measured
from faceforget.audit.measures.accuracy import Accuracies
from faceforget.audit.measures.collateral import Collateral, LookAlike, RetainedPerson
from faceforget.audit.measures.compactness import Compactness
from faceforget.audit.measures.heat_energy import GroupHeat, HeatEnergy
from faceforget.audit.measures.heatmaps import HeatmapPair
from faceforget.audit.measures.probe import DepthProbe
from faceforget.audit.measures.reenrolment import PrototypeAttack
from faceforget.audit.measures.relearning import Relearning
from faceforget.audit.measures.similarity import Alignment
from faceforget.audit.measures.verification import Verification
from faceforget.audit.questions.embedding_map import EmbeddingMap
from faceforget.audit.questions.features import Features
from faceforget.audit.questions.heatmaps import HeatedFace, Looked
from faceforget.audit.questions.membership import Membership
from faceforget.audit.questions.reenrolment import Recognised
from faceforget.audit.questions.relearning import Retaught
from faceforget.audit.report import AuditedPhoto, AuditReport
from faceforget.audit.thresholds import thresholds
from faceforget.audit.verdict import Figure, judge
from faceforget.recognizer.recognizer import UNKNOWN, Candidate, Recognition

NOTE = "only one photo of the person"
NO = not_measured(1, NOTE)
STRANGERS = "6 strangers in the person's place, in the model after"


def number(value, photos=8):
    return Estimate(value, photos, (max(0.0, value - 0.1), min(1.0, value + 0.1)))


def figures(value):
    return {"tar_far_0.01": number(value), "tar_far_0.001": number(value), "eer": number(1 - value)}


def verification(own):
    bins = tuple(int(x) for x in np.histogram(np.linspace(0, own, 50), 80, (-1, 1))[0])
    counts = dict.fromkeys(("forgotten", "retained", "strangers", "impostors"), bins)
    far = {"far_0.01": number(0.01), "far_0.001": number(0.001)}
    return Verification(
        figures(own), figures(0.9), figures(0.9), far, {"far_0.01": 0.3, "far_0.001": 0.4}, counts, "strangers", 1000
    )


def accuracies(own, person, absorbed, photos=8):
    others = Rate(38, 40)
    by_person = {"Bo": Rate(18, 20), "Cy": Rate(20, 20)}
    named = Rate(round(photos * own), photos)
    return Accuracies(
        named, named, Rate(0 if own < 1 else photos, photos), others, others, Rate(1, 50), absorbed, by_person
    )


def membership(auc):
    found = {"confidence": number(auc), "modified_entropy": number(auc)}
    return Membership(found, found, Rate(2, 12), Rate(1, 8), number(0.6))


def energy(heat):
    group = GroupHeat(number(0.7), number(heat))
    return HeatEnergy(group, group, 0.5)


def collateral():
    person = LookAlike(2, "Bo", Sides(Rate(20, 20), Rate(18, 20)), "Ada", 0.31)
    worst = RetainedPerson(3, "Cy", Sides(Rate(20, 20), Rate(12, 20)))
    sides, near = Sides(Rate(2, 50), Rate(1, 50)), Sides(number(0.99), number(0.95))
    change = Estimate(-0.04, 40, (-0.06, -0.02))
    return Collateral((person,), worst, change, change, sides, Rate(3, 40), sides, sides, near, change)


TAUGHT = Relearning(Estimate(9, 8, (7, 12)), (7, 9, 12), 200, 5, 120, ((0, 0.0), (4, 0.5), (12, 1.0)))


def report(person="Ada_Lovelace", *, after=0.0, again=0.1, reference=0.98, others=1.0, count=8):
    """An erasure that succeeded, unless told otherwise; checked on too few photos to say so."""
    pair = {"1": number(again), "5": number(again), "10": number(again)}
    known = {"1": number(1.0), "5": number(1.0), "10": number(1.0)}
    usual = {key: number(reference) for key in pair}
    old = accuracies(1.0, person, {person: 1.0}, count)
    new = accuracies(after, person, {UNKNOWN: 0.75, "Bo": 0.25}, count)
    attack = PrototypeAttack(Rate(1, 8), Rate(0, 8), Rate(39, 40))
    depths = ("early", "embedding")
    probe = {depth: DepthProbe(number(0.6), number(0.5), number(0.4)) for depth in depths}
    cluster = Compactness(*[number(0.5)] * 5)
    changes = {"unchanged": Rate(0, 8), "random_2": Rate(1, 8), "random_8": Rate(3, 8)}
    points = np.linspace(-1, 1, 12, dtype=np.float32).reshape(6, 2)
    groups = ("forgotten", "forgotten", "forget_photos", "retained", "strangers", "strangers")
    face = np.full((32, 32, 3), 128, np.uint8)
    heat = HeatmapPair(np.ones((32, 32), np.float32), np.zeros((32, 32), np.float32))
    verdict = judge(
        {
            "named": Figure(new.forgotten_named),
            "row_put_back": Figure(new.forgotten),
            "reenrolled": Figure(pair["5"], known["5"], usual["5"]),
            "verified": Figure(number(0.0), number(0.9), strangers=number(0.9)),
            "retained": Figure(number(others), number(1.0)),
            "retained_named": Figure(number(others), number(1.0)),
        },
        thresholds(),
    )
    check = ClassifierCheck((person,), Sides(old, new), True, True)
    faces = tuple(HeatedFace(name, face, heat) for name in (person, "Bo"))
    return AuditReport(
        check=check,
        verdict=verdict,
        only_head=False,
        reference=STRANGERS,
        stand_ins=(),
        answers={
            "accuracy": check.accuracy,
            "reenrolment": Recognised(Sides(known, pair, usual), Sides(attack, attack, attack)),
            "verification": Sides(verification(0.9), verification(0.2), verification(0.9)),
            "features": Features(
                Sides(probe, probe, probe),
                Sides(cluster, cluster),
                {depth: Alignment(number(0.5), number(0.9)) for depth in depths},
            ),
            "collateral": collateral(),
            "membership": Sides(membership(0.8), membership(0.5), membership(0.5)),
            "perturbation": Sides(changes, changes, changes),
            "relearning": Retaught(Sides(*[TAUGHT] * 3)),
            "heatmaps": Looked(Sides(energy(0.02), energy(0.005)), faces),
            "map": EmbeddingMap(points, points + 0.1, groups, (person,) * 3 + ("Bo", "Z", "Z"), {"retained": (1, 9)}),
        },
        photos=photos(person),
        seconds={"embedding": 1.25},
    )


def with_answers(made, **answers):
    """The same report with other answers."""
    accuracy = answers.get("accuracy", made.check.accuracy)
    return replace(made, check=replace(made.check, accuracy=accuracy), answers={**made.answers, **answers})


def without_answer(made, name):
    """The same report, without a question asked."""
    return replace(made, answers={other: answer for other, answer in made.answers.items() if other != name})


def photos(person, count=2):
    crop = np.full((40, 40, 3), 128, np.uint8)
    old, new = (
        Recognition(name, (Candidate(first, 0.9, 0.8), Candidate("Bo", 0.05, 0.2)))
        for name, first in ((person, person), (UNKNOWN, "Cy"))
    )
    return (AuditedPhoto(person, crop, old, new),) * count


def alone():
    """One photo of the person, and nothing else."""
    made = report()
    no = dict.fromkeys(("tar_far_0.01", "tar_far_0.001", "eer"), NO)
    far = {"far_0.01": NO, "far_0.001": NO}
    compared = Verification(no, no, no, far, {"far_0.01": None, "far_0.001": None}, {}, "", 0)
    again, scores = dict.fromkeys(("1", "5", "10"), NO), {"confidence": NO, "modified_entropy": NO}
    nobody, none = DepthProbe(NO, NO, NO), Sides(Rate(0, 0), Rate(0, 0))
    old = Accuracies(Rate(1, 1), None, Rate(1, 1), None, None, None, {"Ada_Lovelace": 1.0}, {})
    new = replace(old, forgotten=Rate(0, 1), forgotten_named=Rate(0, 1), absorbed_by={UNKNOWN: 1.0})
    dark = HeatEnergy(GroupHeat(NO, NO), GroupHeat(NO, NO), 0.5)
    made = replace(
        without_answer(made, "relearning"),
        verdict=judge({"named": Figure(Rate(0, 1))}, thresholds()),
        reference="nothing: neither a retrained model nor photos of strangers were given",
    )
    return with_answers(
        made,
        accuracy=Sides(old, new),
        reenrolment=Recognised(Sides(again, again), Sides(*[PrototypeAttack(NO, NO, None)] * 2)),
        verification=Sides(compared, compared),
        features=Features(
            Sides({"embedding": nobody}, {"embedding": nobody}),
            Sides(*[Compactness(NO, NO, NO, NO, NO)] * 2),
            {"embedding": Alignment(NO, NO)},
        ),
        collateral=Collateral((), None, NO, NO, none, Rate(0, 0), none, none, Sides(NO, NO), NO),
        membership=Sides(*[Membership(scores, scores, NO, NO, NO)] * 2),
        perturbation=Sides({}, {}),
        heatmaps=Looked(Sides(dark, dark), ()),
    )
