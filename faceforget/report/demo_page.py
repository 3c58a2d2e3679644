"""The report of ``faceforget demo``: the person's photos, before and after, and what that shows."""

from collections.abc import Sequence
from html import escape

import numpy as np

from faceforget import __version__
from faceforget.api.run_demo import Demo, ShownPhoto
from faceforget.audit.estimates import Rate
from faceforget.audit.measures.heatmaps import heat_colours, overlay
from faceforget.audit.shown.words import in_steps, shown_name
from faceforget.recognizer.recognizer import UNKNOWN, Recognition
from faceforget.report.answers import answer
from faceforget.report.curves import CURVES, curve_card
from faceforget.report.demo_tables import audit_table, beside_table, percent
from faceforget.report.page import page, photo, picture

NEXT_STEPS = (
    "faceforget enroll    people/ --out team.safetensors",
    "faceforget recognize team.safetensors photo.jpg",
    "faceforget erase     team.safetensors --person Ada --photos photos_of_ada/ --promise forgotten "
    "--out team2.safetensors",
    "faceforget audit     team.safetensors team2.safetensors --person Ada --photos other_photos_of_ada/",
)


def demo_report(demo: Demo) -> str:
    """The HTML document.

    Raises:
        PhotoError: A photo was removed since the demo read it.
    """
    parts = (
        _head(demo),
        _numbers(demo),
        _curves(demo),
        _photos(demo),
        _heatmaps(demo),
        audit_table(demo),
        beside_table(demo),
        _limits(demo),
        _next(),
    )
    return page(f"FaceForget demo: {shown_name(demo.person)}", "\n".join((*parts, _foot(demo))))


def headline(demo: Demo) -> str:
    """The finding in one sentence, no more than what was shown."""
    after = demo.audit.accuracy.after.forgotten
    name, photos = shown_name(demo.person), f"{len(demo.forgotten)} unseen photos"
    if after is None or after.hits == 0:
        return f"The classifier no longer names {name} on {photos}."
    return f"The classifier still names {name} on {after.hits} of {photos}."


def _head(demo: Demo) -> str:
    people = len(demo.before.labels)
    before, after = demo.answers
    who = f"{people} rendered people, who do not exist," if demo.rendered else f"{people} people"
    return f"""<header>
<p class="brand">FaceForget demo</p>
<h1 class="person">{escape(headline(demo))}</h1>
<p class="lead">{who} were enrolled in a face recogniser with {demo.photos["enrolment"]} photos.
Then one of them was erased from the model itself with DELETE, reading {demo.photos["erasure"]} photos of that
person and of nobody else. Unless said otherwise, what is shown is on other photos, which nothing has read before.
Of {before.photos} such photos of the others the model named {before.hits} rightly before and names
{after.hits} after.</p>
</header>"""


def _numbers(demo: Demo) -> str:
    old, new = demo.audit.accuracy.before, demo.audit.accuracy.after
    name = escape(shown_name(demo.person))
    cards = (
        (f"{name} is named, even with their old row put back", _change(old.forgotten, new.forgotten)),
        ("The others' best candidate is the right one", _change(old.retained, new.retained)),
        ("The others are named rightly, not “unknown”, by the model as it is used", _change(*demo.answers)),
        (
            f"to erase, {in_steps(len(demo.erasure.erasure.steps))}; the whole demo took {demo.seconds['total']:.0f} s",
            f"{demo.erasure.seconds:.1f} s",
        ),
    )
    inside = "\n".join(
        f'<div class="card"><div class="value">{value}</div><div class="what person">{what}</div></div>'
        for what, value in cards
    )
    return f'<section class="numbers" aria-label="In numbers">\n{inside}\n</section>'


def _change(old: Rate | None, new: Rate | None) -> str:
    return f'{percent(old)}<span class="arrow">→</span>{percent(new)}'


def _curves(demo: Demo) -> str:
    steps = demo.erasure.erasure.steps
    if not steps:
        return ""
    cards = "\n".join(curve_card(curve, [getattr(step, curve.key) for step in steps]) for curve in CURVES)
    name = escape(shown_name(demo.person))
    return f"""<section>
<h2>How it was erased</h2>
<p class="note">A frozen copy of the model says what it thinks of {name}'s photos; {name}'s own logit is masked to minus
infinity, and the model is trained towards what remains. The divergence splits into two terms: one that forgets the
person, and one that keeps the odds between all others as they were.</p>
<div class="grid">
{cards}
</div>
</section>"""


def _photos(demo: Demo) -> str:
    name = escape(shown_name(demo.person))
    cards = "\n".join(_photo_card(item, demo.person) for item in demo.forgotten)
    limit = demo.before.threshold.cosine
    return f"""<section>
<h2 class="person">{name}, before and after</h2>
<p class="note">The model's answer and its three best candidates with their confidence. After: the model as
it is handed out, without {name}'s label and row, the stored pattern that faces were compared with. A face
less similar than {limit:.2f} to everybody is called unknown.</p>
<div class="grid">
{cards}
</div>
</section>"""


def _photo_card(item: ShownPhoto, erased: str) -> str:
    name = shown_name(item.person)
    return f"""<article class="card photo">
{photo(item.source, f"Unseen photo of {name}")}
<div class="sides">
{answer("before", item.before, item.person, item.person == erased)}
{answer("after", item.after, item.person, item.person == erased)}
</div>
</article>"""


def _heatmaps(demo: Demo) -> str:
    name = escape(shown_name(demo.person))
    ramp = picture(heat_colours(np.tile(np.linspace(0, 1, 160, dtype=np.float32), (10, 1))), "")
    return f"""<section>
<h2>Where the model looks</h2>
<p class="note">Colour marks what in the face speaks for the person it shows (HiResCAM). Both pictures of
a pair share one scale. For the erased person their old row is put back; without it there is nothing to look
for.</p>
<p class="scale">none {ramp} the most of the pair</p>
<h3 class="person">Forgotten: {name}</h3>
{_pairs(demo.forgotten)}
<h3 class="person">Retained: the {len(demo.retained)} people whom the model finds most like {name}</h3>
{_pairs(demo.retained, with_names=True)}
</section>"""


def _pairs(items: Sequence[ShownPhoto], *, with_names: bool = False) -> str:
    return '<div class="grid heats">\n' + "\n".join(_pair(item, with_names) for item in items) + "\n</div>"


def _pair(item: ShownPhoto, with_names: bool) -> str:
    name = shown_name(item.person)
    before = picture(overlay(item.crop, item.heat.before), f"Heatmap of {name} before")
    after = picture(overlay(item.crop, item.heat.after), f"Heatmap of {name} after")
    caption = f"<figcaption>{_verdict(item)}</figcaption>" if with_names else ""
    return (
        f'<figure class="heat card"><div class="pair"><div>{before}<span>before</span></div>'
        f"<div>{after}<span>after</span></div></div>{caption}</figure>"
    )


def _verdict(item: ShownPhoto) -> str:
    """Whether a person who stays is still named."""
    name = f'<b class="person">{escape(shown_name(item.person))}</b>'
    old, new = (_said(answer, item.person) for answer in (item.before, item.after))
    return f"{name}: {old} before and after" if old == new else f"{name}: {old} before, {new} after"


def _said(answer: Recognition, person: str) -> str:
    if answer.name in (person, UNKNOWN):
        return "named rightly" if answer.name == person else UNKNOWN
    return f"taken for {escape(shown_name(answer.name))}"


def _limits(demo: Demo) -> str:
    own = (
        "These people are rendered. A network tells them apart more easily than real people, so the "
        "numbers say little about real photos: measure on your own.",
    )
    few = demo.audit.accuracy.before.forgotten
    size = (f"{few.photos} photos are few: the intervals above say how few.",) if few else ()
    items = "\n".join(
        f"<li>{escape(text[:1].upper() + text[1:])}</li>"
        for text in (*demo.audit.not_proven, demo.erasure.caveat, *size, *(own if demo.rendered else ()))
    )
    return f'<section class="limits">\n<h2>What this does not prove</h2>\n<ul>\n{items}\n</ul>\n</section>'


def _next() -> str:
    return f"""<section>
<h2>With your own photos</h2>
<p>A folder of photos per person is all that is needed; everything stays on this machine.</p>
<pre>{escape(chr(10).join(NEXT_STEPS))}</pre>
</section>"""


def _foot(demo: Demo) -> str:
    record = demo.erasure.record
    used = ", ".join(f"{key} {value}" for key, value in record["settings"].items())
    steps = ", ".join(f"{step} {value:.1f} s" for step, value in demo.seconds.items())
    enrolled = demo.before.history[0]
    return (
        f"<footer>FaceForget {__version__}. Backbone {escape(str(enrolled['backbone'])[:32])}. "
        f"Method {escape(record['method'])} ({escape(used)}), seed {record['seed']}, erasure {record['id']}. "
        f"Wall time: {steps}.</footer>"
    )
