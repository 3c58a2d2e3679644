"""The audit's report as one HTML file, which fetches nothing and prints well."""

from collections.abc import Sequence
from html import escape

from faceforget.audit.outcomes import LOOKS
from faceforget.audit.report import AuditedPhoto, AuditReport
from faceforget.audit.shown.section import Number, PicturePair, Pictures, Section, Table
from faceforget.audit.shown.words import shown_name
from faceforget.progress import Progress, silent, tracked
from faceforget.report.answers import answer
from faceforget.report.audit_document import audit_document
from faceforget.report.chart_files import to_svg
from faceforget.report.document import Card, Document
from faceforget.report.drawing import draw
from faceforget.report.page import page, picture


def audit_page(report: AuditReport, progress: Progress = silent) -> str:
    """The HTML document."""
    document = audit_document(report)
    return html(document, sections_html(document, progress))


def html(document: Document, sections: Sequence[str]) -> str:
    """A document with its :func:`sections_html` as HTML; everything in it is escaped here."""
    parts = (_front(document), _photos(document), criteria_html(document.criteria), *sections, limits_html(document))
    return page(document.title, "\n".join((*parts, f"<footer>{escape(document.foot)}</footer>")))


def _front(document: Document) -> str:
    first, *others = document.headline
    findings = "\n".join(f'<p class="finding">{escape(words)}</p>' for words in others)
    return f"""<header>
<p class="brand">{escape(document.brand)}</p>
<h1 class="person">{escape(first)}</h1>
{findings}
</header>
<section class="verdicts" aria-label="Verdicts">
{"".join(map(card_html, document.cards))}
</section>
<section class="numbers three" aria-label="In numbers">
{"".join(map(number_html, document.numbers))}
</section>
<p class="note person basis">{escape(document.lead)}</p>"""


def card_html(card: Card) -> str:
    """A promise with its stamp and the number that decided."""
    kind = card.outcome.replace(" ", "-")
    small = "".join(f"<li>{escape(line)}</li>" for line in (card.reason, card.rule, card.reference, card.basis) if line)
    return f"""<article class="card verdict {kind}">
<div class="stamp"><span aria-hidden="true">{LOOKS[card.outcome].mark}</span>{card.outcome}</div>
<h2>{escape(card.title)}</h2>
<p class="promise">{escape(card.promise)}</p>
<div class="value">{escape(card.number)}</div>
<div class="what">{escape(card.what)}</div>
{f'<ul class="rule">{small}</ul>' if small else ""}
</article>
"""


def number_html(number: Number) -> str:
    """One number, before and after."""
    old = f'{escape(number.before)}<span class="arrow">→</span>' if number.before else ""
    change = f"{old}{escape(number.after)}"
    what = f'<div class="what person">{escape(number.what)}</div>'
    return f'<div class="card"><div class="value">{change}</div>{what}</div>\n'


def _photos(document: Document) -> str:
    if not document.photos:
        return ""
    cards = "\n".join(map(photo_html, document.photos))
    return f"""<section>
<h2>The photos, before and after</h2>
<p class="note">{escape(document.photos_note)}</p>
<div class="grid">
{cards}
</div>
</section>"""


def photo_html(item: AuditedPhoto) -> str:
    """A photo and what the models answer on it."""
    return f"""<article class="card photo">
{picture(item.crop, f"Photo of {shown_name(item.person)}")}
<div class="sides">
{answer("before", item.before, item.person, True)}
{answer("after", item.after, item.person, True)}
</div>
</article>"""


def criteria_html(table: Table) -> str:
    """Every criterion, folded."""
    return f'<section class="criteria">\n{_details(table)}\n</section>'


def sections_html(document: Document, progress: Progress = silent) -> tuple[str, ...]:
    """Every question; its charts take seconds."""
    sections = document.sections
    shown = enumerate(tracked(sections, "drawing the charts", len(sections), progress))
    return tuple(_section(section, index) for index, section in shown)


def _section(section: Section, index: int) -> str:
    """One question with its charts; ``index`` keeps the ids of two sections apart."""
    charts = "\n".join(
        f'<figure class="chart">{to_svg(draw(chart.plot), f"c{index}-{place}", escape(chart.words))}'
        f"<figcaption>{escape(chart.words)}</figcaption></figure>"
        for place, chart in enumerate(section.charts)
    )
    missing = "".join(f'<p class="missing person">{escape(words)}</p>' for words in section.missing)
    facts = (("How", section.method), ("On what", section.basis), ("Reference", section.reference))
    lines = "".join(f"<div><dt>{name}</dt><dd>{escape(words)}</dd></div>" for name, words in facts if words)
    small, alone = f'<dl class="facts">{lines}</dl>\n' if lines else "", len(section.charts) == 1
    parts = (
        f'<section class="question">\n<h2>{escape(section.title)}</h2>',
        f'<p class="lead person">{escape(section.sentence)}</p>',
        missing,
        # Beside a single chart there is room for the small print.
        f'<div class="charts">\n{charts}\n{small if alone else ""}</div>' if charts else "",
        *map(_pictures, section.pictures),
        "" if alone else small,
        *map(_details, section.tables),
        "</section>",
    )
    return "\n".join(part for part in parts if part)


def _pictures(pictures: Pictures) -> str:
    pairs = "\n".join(map(_pair, pictures.pairs))
    return f'<h3 class="person">{escape(pictures.title)}</h3>\n<div class="grid heats">\n{pairs}\n</div>'


def _pair(pair: PicturePair) -> str:
    sides = "".join(
        f"<div>{picture(pixels, f'{pair.words}, {side}')}<span>{side}</span></div>"
        for side, pixels in (("before", pair.before), ("after", pair.after))
    )
    caption = f'<figcaption class="person">{escape(pair.words)}</figcaption>'
    return f'<figure class="heat card"><div class="pair">{sides}</div>{caption}</figure>'


def _details(table: Table) -> str:
    return f"<details><summary>{escape(table.title)}</summary>\n{_table(table)}\n</details>"


def _table(table: Table) -> str:
    head = _cells("th", table.head)
    rows = "\n".join(f"<tr>{_cells('td', row)}</tr>" for row in table.rows)
    return f'<div class="table"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>'


def _cells(tag: str, cells: Sequence[str]) -> str:
    # Only names, which stand first, may break within a word.
    wide = f'<{tag} class="person">{escape(cells[0])}</{tag}>'
    return wide + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells[1:])


def limits_html(document: Document) -> str:
    """What is not proven."""
    items = "\n".join(f"<li>{escape(text)}</li>" for text in document.limits)
    return f'<section class="limits">\n<h2>What this does not prove</h2>\n<ul>\n{items}\n</ul>\n</section>'
