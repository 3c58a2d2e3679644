"""``faceforget audit``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from faceforget import api
from faceforget.cli.advice import told
from faceforget.cli.console import FAILED, UNKEPT, out, percent, progress_bar, warn
from faceforget.cli.inputs import check_models, check_people
from faceforget.cli.options import (
    Address,
    Device,
    EngineName,
    Json,
    NoCache,
    Persons,
    Seed,
    check_output,
    check_persons,
    make_runtime,
)
from faceforget.errors import UsageError
from faceforget.progress import Progress

# A model of one promise is not held to the other; others are kept whatever was promised.
_HELD_TO = {
    "forgotten": ("forgotten", "others_kept"),
    "unrecognisable": ("forgotten", "unrecognisable", "others_kept"),
}
_MEASURES = {
    "forgotten_named": "Named on unseen photos, the model as handed out",
    "forgotten": "The same with the old row put back",
    "forgotten_train": "The same on the photos the erasure read",
    "retained": "Of people who stay, the best candidate is right",
    "retained_named": "People who stay get their name, not unknown",
    "strangers_named": "Strangers get a name",
}


def audit(
    before: Annotated[Path, typer.Argument(metavar="BEFORE", help="The model before erasure.")],
    after: Annotated[Path, typer.Argument(metavar="AFTER", help="The model after erasure.")],
    person: Persons,
    photos: Annotated[
        Path, typer.Option(metavar="DIR", help="Photos of the person, best those the erasure did not read.")
    ],
    forget_photos: Annotated[Path | None, typer.Option(metavar="DIR", help="The photos that the erasure read.")] = None,
    retained: Annotated[
        Path | None,
        typer.Option(metavar="PEOPLE_DIR", help="Unseen photos of people who stay; the erased are left out."),
    ] = None,
    members: Annotated[
        Path | None,
        typer.Option(metavar="PEOPLE_DIR", help="Enrolled photos of people who stay, for the membership attack."),
    ] = None,
    strangers: Annotated[
        Path | None,
        typer.Option(metavar="PEOPLE_DIR", help="People who were never enrolled; without them, rendered people."),
    ] = None,
    retrained: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="A model enrolled without the person: the best reference.")
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="The slow questions too: relearning, adversarial changes.")
    ] = False,
    promise: Annotated[
        str, typer.Option(metavar="PROMISE", help="What was promised, forgotten or unrecognisable: for the exit code.")
    ] = "forgotten",
    json: Json = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one HTML file.")] = None,
    pdf: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as PDF.")] = None,
    each: Annotated[
        Path | None,
        typer.Option("--each", metavar="DIR", help="Audit each person alone; a JSON and an HTML file of each in DIR."),
    ] = None,
    engine: EngineName = "local",
    address: Address = None,
    seed: Seed = 0,
    device: Device = "auto",
    no_cache: NoCache = False,
) -> None:
    """Show what is left of an erased person, with a verdict per promise."""
    persons = check_persons(person)
    if promise not in _HELD_TO:
        raise UsageError(f"There is no promise {promise!r}.", f"Promises: {', '.join(_HELD_TO)}.")
    outputs = [path for path in (json, html, pdf) if path]
    for path in outputs:
        check_output(path, before, after, *(other for other in outputs if other is not path))
    if each:
        _check_each(each, persons, outputs)
    working = api.engine_of(engine, address)

    check_models(before, after, retrained)
    own = api.photos_of(photos.absolute(), persons)
    read = api.photos_of(forget_photos.absolute(), persons) if forget_photos else None
    check_people(retained, members, strangers)
    others = api.Others(_absolute(retained), _absolute(members), _absolute(strangers))
    with progress_bar() as progress:
        runtime = make_runtime(device, seed, no_cache, progress, working)
        models = runtime.load(before), runtime.load(after)
        for name in persons:
            models[0].index_of(name)
        if each:
            pair, reports = (before.absolute(), after.absolute()), each.absolute()
            task = api.AuditTask(*pair, own, reports, read, others, _absolute(retrained), deep, runtime)
            done = api.audit_all([_alone(task, name) for name in persons], engine=working)
        else:
            reference = runtime.load(retrained) if retrained else None
            report = api.audit(
                *models,
                own,
                forget_photos=read,
                others=replace(others, retrained=reference),
                deep=deep,
                runtime=runtime,
            )
            if json:
                api.write_json(json, report.to_dict())
            _write_pages(report, html, pdf, progress)
    verdicts = [audited.verdict for audited in done if audited.verdict] if each else [report.verdict]
    if not each:
        _print(report)
    elif not _print_each(done, each):
        raise typer.Exit(FAILED)
    if any(verdict.of(held) == api.outcomes.FAILED for verdict in verdicts for held in _HELD_TO[promise]):
        raise typer.Exit(UNKEPT)


def _absolute(path: Path | None) -> Path | None:
    """For workers, which have working directories of their own."""
    return path and path.absolute()


def _check_each(folder: Path, persons: Sequence[str], outputs: Sequence[Path]) -> None:
    if outputs:
        raise UsageError("--each writes the reports of each person.", "Leave out --json, --html and --pdf.")
    check_output(folder / "audit.json")
    for name in persons:
        if Path(name).name != name:
            raise UsageError(f"{name!r} cannot be a file's name.", "Audit this person without --each.")


def _alone(task: "api.AuditTask", person: str) -> "api.AuditTask":
    """The same audit of one of its persons; ``task.report`` is the folder."""
    read = {person: task.forget_photos[person]} if task.forget_photos else None
    return replace(task, photos={person: task.photos[person]}, forget_photos=read, report=task.report / person)


def _print_each(done: Sequence["api.Audited"], folder: Path) -> bool:
    """The verdicts; returns whether every audit could be carried out."""
    table = Table("person", *(title for title, _ in api.PROMISES_IN_WORDS.values()))
    for audited in done:
        outcomes = [
            audited.verdict.of(promise) if audited.verdict else api.outcomes.NOT_MEASURED
            for promise in api.PROMISES_IN_WORDS
        ]
        table.add_row(
            escape(audited.task.report.name), *(f"[{api.outcomes.LOOKS[o].terminal}]{o}[/]" for o in outcomes)
        )
        if audited.error:
            warn(f"{audited.task.report.name}: {told(audited.error)}")
    out.print(table)
    if any(audited.verdict for audited in done):
        out.print(f"The reports are in {folder}.", highlight=False, markup=False, soft_wrap=True)
    return all(audited.error is None for audited in done)


def _write_pages(report: "api.AuditReport", html: Path | None, pdf: Path | None, progress: "Progress") -> None:
    if html:
        api.write_atomically(html, api.audit_page(report, progress).encode())
    if pdf:
        api.write_atomically(pdf, api.audit_pdf(report, progress))


def _print(report: "api.AuditReport") -> None:

    for sentence in api.audit_front.headline(report):
        out.print(escape(sentence), style="bold", highlight=False)
    out.print()
    for promise, (title, _) in api.PROMISES_IN_WORDS.items():
        outcome, why = report.verdict.of(promise), _why(report.verdict, promise)
        out.print(
            f"[bold]{title}[/] [bold {api.outcomes.LOOKS[outcome].terminal}]{outcome}[/]{escape(why)}", highlight=False
        )
        for finding in report.verdict.findings[promise]:
            value, rule = api.audit_front.value_of(finding), api.audit_front.rule_of(finding)
            colour = api.outcomes.LOOKS[finding.outcome].terminal
            out.print(
                f"  [{colour}]{finding.outcome:<12}[/] {escape(finding.criterion.words)}: "
                f"[bold]{escape(value)}[/] [dim]({escape(rule)})[/]",
                highlight=False,
            )
    _print_accuracy(report)
    out.print(f"The reference beside the numbers: {escape(report.reference)}.", style="dim", highlight=False)
    out.print("\n[bold]What this does not prove[/]")
    for sentence in api.audit_front.limits(report):
        out.print(f"- {escape(sentence)}", highlight=False)


def _why(verdict: "api.Verdict", promise: str) -> str:
    """Why there is no better verdict, and the option that would give one."""
    why, option = verdict.reason(promise), verdict.option(promise)
    how = f"; --{option.replace('_', '-')} would measure it" if option else ""
    return f": {why}{how}" if why else ""


def _print_accuracy(report: "api.AuditReport") -> None:
    old, new = report.check.accuracy.before, report.check.accuracy.after
    table = Table("", "before", "after", "photos")
    for key, words in _MEASURES.items():
        before, after = getattr(old, key), getattr(new, key)
        if before is not None and after is not None:
            table.add_row(words, *(percent(m.value, m.interval) for m in (before, after)), str(before.photos))
    out.print(table)
    to = ", ".join(f"{escape(name)} {100 * share:.0f} %" for name, share in list(new.absorbed_by.items())[:5])
    out.print(f"Their photos now go to: {to}.", highlight=False)
    if not report.check.rows_removed:
        warn("AFTER still holds the person's row and label: it is not a model written by `faceforget erase`.")
    named = old.forgotten
    if named is not None and named.value is not None and named.value < 0.5:
        warn("BEFORE itself does not name the person on most of these photos: do they show the person?")
