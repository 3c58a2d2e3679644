"""The tables of the demo's report: what was measured before and after, and what other methods buy."""

from html import escape

from faceforget.api.methods_beside import RETRAINED, Beside
from faceforget.api.run_demo import Demo
from faceforget.audit.estimates import Rate
from faceforget.audit.shown.words import in_steps, shown_name

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


def audit_table(demo: Demo) -> str:
    """Shares of photos before and after, with their intervals."""
    old, new = demo.audit.accuracy.before, demo.audit.accuracy.after
    name = escape(shown_name(demo.person))
    rows = "\n".join(
        (
            _row(f"{name} is named on unseen photos", _ROW_BACK, old.forgotten, new.forgotten),
            _row(
                f"{name} is named on the photos that the erasure read",
                _ROW_BACK,
                old.forgotten_train,
                new.forgotten_train,
            ),
            _row("The others' best candidate is the right one", _UNSEEN, old.retained, new.retained),
            _row("The others are answered with their name, not “unknown”", _AS_USED, *demo.answers),
        )
    )
    went = ", ".join(
        f"{escape(shown_name(name))} {100 * share:.0f} %"
        for name, share in demo.audit.accuracy.after.absorbed_by.items()
    )
    gone = "no longer in" if demo.audit.rows_removed else "STILL in"
    return f"""<section>
<h2>The numbers</h2>
<div class="table"><table>
<thead><tr><th>Share of photos</th><th>before</th><th>after</th><th>photos</th></tr></thead>
<tbody>
{rows}
</tbody></table></div>
<p class="note" style="margin-top:10px">In brackets: 95 % intervals (Wilson). {name}'s row and label are
{gone} the erased model, which therefore cannot name them; so “after” is measured with the row of the model
before put back, as somebody who kept it could do. {name}'s unseen photos now go to: {went}. The limit of
{demo.before.threshold.cosine:.2f} below which a face is unknown was set at enrolment and is the same in both
models.</p>
</section>"""


def _row(words: str, condition: str, old: Rate | None, new: Rate | None) -> str:
    return (
        f"<tr><td>{words}<small>{condition}</small></td><td>{_interval(old)}</td>"
        f"<td>{_interval(new)}</td><td>{old.photos if old else 0}</td></tr>"
    )


def _interval(rate: Rate | None) -> str:
    if rate is None or rate.interval is None:
        return "not measured"
    low, high = rate.interval
    return f"{percent(rate)}<small>({100 * low:.0f} to {100 * high:.0f} %)</small>"


def beside_table(demo: Demo) -> str:
    """The same person erased in each other way."""
    name = escape(shown_name(demo.person))
    before, photos = demo.audit.accuracy.before.forgotten, demo.answers[0]
    first = (
        f"<tr><td><b>before</b><small>The model with everybody.</small></td><td>{percent(before)}</td><td></td>"
        f"<td>{percent(photos)}</td><td></td></tr>"
    )
    rows = "\n".join([first, *map(_beside_row, demo.beside)])
    return f"""<section>
<h2 class="person">{name} erased in other ways</h2>
<p class="note">The same person, the same photos read, the same unseen photos asked about ({len(demo.forgotten)} of
{name}, {photos.photos} of the others). Enrolled again: a new row is made from the photos that the erasure read. A
retrained model recognises a person who is enrolled again, as it does any newcomer. So 0 % there is another promise, and
not a better one.</p>
<div class="table"><table>
<thead><tr><th>How</th><th>{name} is named with their old row put back</th><th>is named when enrolled again</th>
<th>the others are named rightly</th><th>seconds</th></tr></thead>
<tbody>
{rows}
</tbody></table></div>
</section>"""


def _beside_row(row: Beside) -> str:
    return (
        f"<tr><td><b>{escape(row.method)}</b><small>{escape(_BUYS[row.method])}</small></td>"
        f"<td>{percent(row.row_back)}</td><td>{percent(row.again)}</td><td>{percent(row.others)}</td>"
        f"<td>{row.seconds:.1f}<small>{in_steps(row.steps) if row.method != RETRAINED else ''}</small></td></tr>"
    )


def percent(rate: Rate | None) -> str:
    """A share, or that there is none."""
    if rate is None or rate.value is None:
        return "not measured"
    share = 100 * rate.value
    return f"{share:.0f}\u00a0%" if share in (0, 100) else f"{share:.1f}\u00a0%"
