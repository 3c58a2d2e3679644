"""Several audits, each by itself: one after the other, or by the workers of an engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from faceforget.api.audit_erasure import Others, audit
from faceforget.api.runtime import Runtime
from faceforget.audit.verdict import Verdict
from faceforget.compute.engine import HERE, Engine, LostWorkerError, Work
from faceforget.errors import FaceForgetError
from faceforget.files import write_atomically, write_json
from faceforget.photos.photo import PhotoSource
from faceforget.progress import silent, tracked


@dataclass(frozen=True)
class AuditTask:
    """An audit as work that any process on any machine can do, more than once.

    For other machines all paths are absolute, and its machines see them.

    Attributes:
        before: The model before erasure.
        after: The model after.
        photos: Photos of each erased person that is asked about, best those that the erasure did not read.
        report: Where the reports go, without the suffixes ``.json`` and ``.html``; no two tasks have the same.
        forget_photos: The photos that the erasure read.
        others: Other people's photos.
        retrained: A model enrolled without the erased persons.
        deep: The slow questions too.
        runtime: Device, seed and cache.
    """

    before: Path
    after: Path
    photos: Mapping[str, Sequence[PhotoSource]]
    report: Path
    forget_photos: Mapping[str, Sequence[PhotoSource]] | None = None
    others: Others = field(default_factory=Others)
    retrained: Path | None = None
    deep: bool = False
    runtime: Runtime = field(default_factory=Runtime)


@dataclass(frozen=True)
class Audited:
    """What has become of an audit.

    Attributes:
        task: The audit.
        verdict: Whether the promises were kept; None if it could not be carried out.
        error: Why not.
    """

    task: AuditTask
    verdict: Verdict | None
    error: FaceForgetError | OSError | None = None


def audit_all(tasks: Sequence[AuditTask], *, engine: Engine = HERE) -> tuple[Audited, ...]:
    """Carry out audits, and write a report in JSON and HTML of each; one that fails leaves the others alone.

    What the audits see of faces goes into the reports alone, not through the engine.

    Args:
        tasks: The audits; the first one's ``runtime.progress`` counts them.
        engine: Who carries them out.

    Returns:
        What has become of them, in order.

    Raises:
        UsageError: Ray is not installed, or there is no cluster at the address; nothing was started.
    """
    progress = tasks[0].runtime.progress if tasks else silent
    alone = [replace(task, runtime=replace(task.runtime, progress=silent, engine=HERE)) for task in tasks]
    carried = engine.carry(_AUDIT, alone)
    done = {
        task.report: Audited(task, None, audited) if isinstance(audited, LostWorkerError) else audited
        for task, audited in tracked(carried, "audits", len(tasks), progress)
    }
    return tuple(done[task.report] for task in tasks)


def _audited(task: AuditTask) -> Audited:
    """Do the audit; an error of one must not sink the others."""
    from faceforget.report.audit_page import audit_page  # charts are heavy, and only whoever audits draws them

    try:
        report = audit(
            task.runtime.load(task.before),
            task.runtime.load(task.after),
            task.photos,
            forget_photos=task.forget_photos,
            others=replace(task.others, retrained=task.runtime.load(task.retrained) if task.retrained else None),
            deep=task.deep,
            runtime=task.runtime,
        )
        write_json(task.report.with_name(f"{task.report.name}.json"), report.to_dict())
        write_atomically(task.report.with_name(f"{task.report.name}.html"), audit_page(report).encode())
    except (FaceForgetError, OSError) as error:
        return Audited(task, None, error)
    return Audited(task, report.verdict)


_AUDIT = Work(
    _audited,
    name=lambda _: "an audit",
    todo="Look for a lack of memory. The other reports are not concerned: audit this one again.",
)
