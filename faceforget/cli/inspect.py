"""``faceforget inspect``."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from faceforget import api
from faceforget.cli.advice import told
from faceforget.cli.console import out, progress_bar
from faceforget.cli.inputs import check_backbone, check_models
from faceforget.cli.options import Json, check_output

_SHOWN = 3


def inspect(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Made by `faceforget enroll` or `faceforget erase`.")],
    backbone: Annotated[
        str | None,
        typer.Option(help="The weights that the model was enrolled from, where they are not shipped."),
    ] = None,
    json: Json = None,
) -> None:
    """Say what a model file holds: where its weights came from, what moved, what erasures put in."""
    check_models(model)
    if backbone is not None:
        check_backbone(backbone)
    if json:
        check_output(json, model)

    recognizer = api.load(model)
    with progress_bar() as progress:
        origin = api.inspect(recognizer, backbone=backbone, runtime=api.Runtime(progress=progress))
    if json:
        api.write_json(json, {"model": {"file": str(model), "sha256": api.sha256_file(model)}, **origin.to_dict()})
    for label, text in _lines(origin):
        out.print(f"{label:<22} {escape(text)}", highlight=False, soft_wrap=True)
    out.print(f"\n[bold]It holds of a person: {origin.holds}.[/] {escape(origin.because)}", highlight=False)


def _lines(origin: "api.Origin") -> list[tuple[str, str]]:
    lines = [
        ("people", str(origin.people)),
        ("enrolled from", origin.backbone or "not said in the file"),
        (
            "trained",
            {"full": "all layers", "head": "nothing: prototypes"}.get(origin.train or "", "not said in the file"),
        ),
        ("erasures before", ", ".join(origin.erasures) or "none"),
    ]
    if origin.moved is None:
        why = "" if origin.not_compared is None else told(origin.not_compared)
        lines.append(("the public network", f"not compared: {why}"))
    else:
        same = origin.tensors - len(origin.moved)
        lines.append(("the public network", f"{same} of {origin.tensors} tensors are bit for bit the same"))
        lines += [("  moved", f"{each.name} by {100 * each.share:.2g} %") for each in origin.moved[:_SHOWN]]
        if len(origin.moved) > _SHOWN:
            least = origin.moved[-1]
            lines.append(("  …", f"{len(origin.moved) - _SHOWN} more, down to {100 * least.share:.2g} %"))
    lines.append(("regions", str(origin.regions) if origin.regions else "none"))
    taken = {None: "there is no linear layer to look at", 0: "none"}.get(origin.taken_out, str(origin.taken_out))
    return [*lines, ("directions taken out", taken)]
