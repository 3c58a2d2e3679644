"""``faceforget doctor``."""

import platform
from importlib.metadata import PackageNotFoundError, version

import typer
from rich.markup import escape
from rich.table import Table

from faceforget.cli.console import FAILED, out, progress_bar
from faceforget.cli.options import Json
from faceforget.files import write_json
from faceforget.progress import Event

_NEEDED = (
    "torch", "torchvision", "facenet-pytorch", "numpy", "pillow", "opencv-python-headless", "safetensors",
    "pydantic", "typer", "rich", "grad-cam", "streamlit",
)  # fmt: skip


def doctor(json: Json = None) -> None:
    """Say what is installed, where it computes, which weights are here, and what is missing."""
    with progress_bar() as progress:
        progress(Event("looking around", 0, 1))
        findings = {"versions": _versions(), "device": _device(), "weights": _weights(), "cache": _cache()}
        problems = _problems(findings)
        progress(Event("looking around", 1, 1, final=True))
    table = Table(show_header=False, box=None, padding=(0, 2))
    for section, values in findings.items():
        for key, value in values.items():
            table.add_row(section, key, escape(value))
    out.print(table)
    for problem in problems:
        out.print(f"[yellow]Missing[/] {escape(problem)}", soft_wrap=True)
    out.print("All that is needed is here." if not problems else f"{len(problems)} to look at.")
    if json:
        write_json(json, {**findings, "problems": problems})
    if any(value == "not installed" for value in findings["versions"].values()):
        raise typer.Exit(FAILED)


def _versions() -> dict[str, str]:
    from faceforget import __version__

    found = {"faceforget": __version__, "python": platform.python_version()}
    for name in _NEEDED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _device() -> dict[str, str]:
    import torch

    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"threads": str(torch.get_num_threads()), "cuda": cuda}


def _weights() -> dict[str, str]:
    from faceforget.recognizer.backbone import FACENET_WEIGHTS, SHIPPED_MOBILE
    from faceforget.recognizer.facenet import facenet_path

    paths = {"mobile (shipped)": SHIPPED_MOBILE}
    paths |= {f"facenet:{name}": facenet_path(name) for name in FACENET_WEIGHTS}
    return {name: str(path) if path.is_file() else "absent" for name, path in paths.items()}


def _cache() -> dict[str, str]:
    from faceforget.photos.cache import FaceCache

    cache = FaceCache()
    return {"folder": str(cache.folder), "photos": str(cache.count())}


def _problems(findings: dict[str, dict[str, str]]) -> list[str]:
    problems = [
        f"{name} is not installed: reinstall with `pip install -e .`"
        for name, found in findings["versions"].items()
        if found == "not installed"
    ]
    if findings["versions"]["facenet-pytorch"] == "2.6.0":
        problems.append("facenet-pytorch 2.6.0 pins an old torch: pip install facenet-pytorch==2.5.3")
    if findings["weights"]["mobile (shipped)"] == "absent":
        problems.append("weights of `mobile`: give a file, --backbone PATH/TO/mobilefacenet.safetensors")
    if findings["weights"]["facenet:vggface2"] == "absent":
        problems.append("weights of `facenet`: downloaded on first use, or give a file, --backbone FILE.pt")
    return problems
