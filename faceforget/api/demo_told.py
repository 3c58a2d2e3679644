"""The report of ``faceforget demo``: the person's photos, before and after, and what that shows."""

import numpy as np

from faceforget import __version__
from faceforget.api.methods_beside import RETRAINED, Beside
from faceforget.api.run_demo import Demo, ShownPhoto
from faceforget.audit.estimates import Rate
from faceforget.audit.measures.heatmaps import heat_colours, overlay
from faceforget.audit.shown.section import Number
from faceforget.audit.shown.words import in_steps, shown_name
from faceforget.recognizer.recognizer import UNKNOWN, Recognition
from faceforget.report.curves import CURVES, curve_card
from faceforget.report.page import render, upright

NEXT_STEPS = (
    "faceforget enroll    people/ --out team.safetensors",
    "faceforget recognize team.safetensors photo.jpg",
    "faceforget erase     team.safetensors --person Ada --photos photos_of_ada/ --promise forgotten "
    "--out team2.safetensors",
    "faceforget audit     team.safetensors team2.safetensors --person Ada --photos other_photos_of_ada/",
)
# What each way buys, beside its numbers.
_BUYS = {
    "delete": "DELETE, shown above: the model is distilled away from the person, on their photos alone.",
    "anchored": "In closed form: the person's direction is masked for everybody. Whoever holds the file can find it.",
    "dispersed": "In closed form: noise where the person is, also when they are enrolled again. The file then holds a "
    "template of them.",
    "random_label": "The field's first baseline: training on wrong names. No target says how the others are to stay.",
    "drop_row": "Trivial: the row is removed, the network stays. Whoever kept the old row puts it back.",
    RETRAINED: "The reference: enrolled anew without the person, from everybody else's photos, which are often gone.",
}
_ROW_BACK = "whatever the similarity, the old row put back"
_UNSEEN = "whatever the similarity, on unseen photos"
_AS_USED = "the model as it is used, on unseen photos"

# Words and condition, before and after.
_Share = tuple[str, str, Rate | None, Rate | None]


def demo_report(demo: Demo) -> str:
    """The HTML document.

    Raises:
        PhotoError: A photo was removed since the demo read it.
    """
    steps = demo.erasure.erasure.steps
    absorbed = demo.audit.accuracy.after.absorbed_by
    return render(
        "demo.html",
        demo=demo,
        name=shown_name(demo.person),
        headline=headline(demo),
        numbers=_numbers(demo),
        curves=[curve_card(curve, [getattr(step, curve.key) for step in steps]) for curve in CURVES] if steps else [],
        ramp=heat_colours(np.tile(np.linspace(0, 1, 160, dtype=np.float32), (10, 1))),
        shares=_shares(demo),
        went=", ".join(f"{shown_name(name)} {100 * share:.0f} %" for name, share in absorbed.items()),
        beside=[(row, _BUYS[row.method], _took(row)) for row in demo.beside],
        limits=_limits(demo),
        next_steps=NEXT_STEPS,
        foot=_foot(demo),
        overlay=overlay,
        percent=percent,
        said=_verdict,
        upright=upright,
    )


def headline(demo: Demo) -> str:
    """The finding in one sentence, no more than what was shown."""
    after = demo.audit.accuracy.after.forgotten
    name, photos = shown_name(demo.person), f"{len(demo.forgotten)} unseen photos"
    if after is None or after.hits == 0:
        return f"The classifier no longer names {name} on {photos}."
    return f"The classifier still names {name} on {after.hits} of {photos}."


def percent(rate: Rate | None) -> str:
    """A share, or that there is none."""
    if rate is None or rate.value is None:
        return "not measured"
    share = 100 * rate.value
    return f"{share:.0f}\u00a0%" if share in (0, 100) else f"{share:.1f}\u00a0%"


def _numbers(demo: Demo) -> tuple[Number, ...]:
    old, new = demo.audit.accuracy.before, demo.audit.accuracy.after
    took = f"to erase, {in_steps(len(demo.erasure.erasure.steps))}; the whole demo took {demo.seconds['total']:.0f} s"
    changes = (
        (f"{shown_name(demo.person)} is named, even with their old row put back", old.forgotten, new.forgotten),
        ("The others' best candidate is the right one", old.retained, new.retained),
        ("The others are named rightly, not “unknown”, by the model as it is used", *demo.answers),
    )
    numbers = (Number(words, percent(before), percent(after)) for words, before, after in changes)
    return (*numbers, Number(took, "", f"{demo.erasure.seconds:.1f} s"))


def _shares(demo: Demo) -> tuple[_Share, ...]:
    """What was measured before and after."""
    old, new = demo.audit.accuracy.before, demo.audit.accuracy.after
    name = shown_name(demo.person)
    read = f"{name} is named on the photos that the erasure read"
    return (
        (f"{name} is named on unseen photos", _ROW_BACK, old.forgotten, new.forgotten),
        (read, _ROW_BACK, old.forgotten_train, new.forgotten_train),
        ("The others' best candidate is the right one", _UNSEEN, old.retained, new.retained),
        ("The others are answered with their name, not “unknown”", _AS_USED, *demo.answers),
    )


def _took(row: Beside) -> str:
    return in_steps(row.steps) if row.method != RETRAINED else ""


def _verdict(item: ShownPhoto) -> str:
    """Whether a person who stays is still named."""
    old, new = (_said(answer, item.person) for answer in (item.before, item.after))
    return f"{old} before and after" if old == new else f"{old} before, {new} after"


def _said(answer: Recognition, person: str) -> str:
    if answer.name in (person, UNKNOWN):
        return "named rightly" if answer.name == person else UNKNOWN
    return f"taken for {shown_name(answer.name)}"


def _limits(demo: Demo) -> tuple[str, ...]:
    own = (
        "These people are rendered. A network tells them apart more easily than real people, so the "
        "numbers say little about real photos: measure on your own.",
    )
    few = demo.audit.accuracy.before.forgotten
    size = (f"{few.photos} photos are few: the intervals above say how few.",) if few else ()
    found = (*demo.audit.not_proven, demo.erasure.caveat, *size, *(own if demo.rendered else ()))
    return tuple(text[:1].upper() + text[1:] for text in found)


def _foot(demo: Demo) -> str:
    record = demo.erasure.record
    used = ", ".join(f"{key} {value}" for key, value in record["settings"].items())
    steps = ", ".join(f"{step} {value:.1f} s" for step, value in demo.seconds.items())
    return (
        f"FaceForget {__version__}. Backbone {str(demo.before.history[0]['backbone'])[:32]}. "
        f"Method {record['method']} ({used}), seed {record['seed']}, erasure {record['id']}. Wall time: {steps}."
    )
