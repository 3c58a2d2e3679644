"""``faceforget doctor``."""

import platform
import re
from importlib.metadata import PackageNotFoundError, requires, version

import typer
from rich.markup import escape

from faceforget import api
from faceforget.cli.console import FAILED, out, progress_bar
from faceforget.cli.options import Json
from faceforget.progress import Event

Findings = dict[str, dict[str, str]]

_ABSENT = "not installed"
# What it takes to work on FaceForget itself.
_DEVELOPMENT = "test"
_EXTRAS = {
    "heic": "photos of iPhones (HEIC)",
    "lfw": "the photos of Labeled Faces in the Wild",
    "ray": "--engine ray: several machines",
    "serve": "faceforget serve",
}


def doctor(json: Json = None) -> None:
    """Say what is installed, where it computes, which weights are here, and what is missing."""
    with progress_bar() as progress:
        progress(Event("looking around", 0, 1))
        needed, extras = _requirements()
        findings: Findings = {
            "versions": _versions(needed),
            "extras": _extras(extras),
            "device": _device(),
            "weights": _weights(),
            "shipped": _shipped(),
            "cache": _cache(),
        }
        problems = _problems(findings)
        progress(Event("looking around", 1, 1, final=True))
    _print(findings)
    for problem in problems:
        out.print(f"[yellow]Missing[/] {escape(problem)}", soft_wrap=True)
    out.print("All that is needed is here." if not problems else f"{len(problems)} to look at.")
    if json:
        api.write_json(json, {**findings, "problems": problems})
    if _ABSENT in findings["versions"].values():
        raise typer.Exit(FAILED)


def _print(findings: Findings) -> None:
    """Columns that are never cut: a path is there to be copied."""
    first = max(map(len, findings))
    second = max(len(key) for values in findings.values() for key in values)
    for section, values in findings.items():
        for key, value in values.items():
            line = f"{section:<{first}}  {key:<{second}}  {value}"
            out.print(line, soft_wrap=True, markup=False, highlight=False)


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Names of the packages that this installation asks for, always and for each extra."""
    needed: list[str] = []
    extras: dict[str, list[str]] = {}
    for requirement in _required():
        (name,) = re.findall(r"^[\w.-]+", requirement)
        extra = re.search(r"extra == ['\"]([\w.-]+)['\"]", requirement)
        (extras.setdefault(extra[1], []) if extra else needed).append(name)
    extras.pop(_DEVELOPMENT, None)
    return needed, extras


def _required() -> list[str]:
    try:
        return requires("faceforget") or []
    except PackageNotFoundError:
        return []


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _ABSENT


def _versions(needed: list[str]) -> dict[str, str]:
    from faceforget import __version__

    return {
        "faceforget": f"{__version__} from {api.resources.INSTALLED_FROM} ({api.resources.KIND})",
        "python": platform.python_version(),
        **{name: _version(name) for name in needed},
    }


def _extras(extras: dict[str, list[str]]) -> dict[str, str]:
    found = {}
    for extra, names in sorted(extras.items()):
        absent = [name for name in names if _version(name) == _ABSENT]
        purpose = f"for {_EXTRAS[extra]}" if extra in _EXTRAS else ""
        state = f"{_ABSENT}: pip install 'faceforget[{extra}]'" if absent else "installed"
        found[extra] = f"{state}, {purpose}".rstrip(", ")
    return found


def _device() -> dict[str, str]:
    import torch

    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    return {"threads": str(torch.get_num_threads()), "cuda": cuda}


def _weights() -> dict[str, str]:

    paths = {"mobile (shipped)": api.resources.SHIPPED_MOBILE}
    paths |= {f"facenet:{name}": api.facenet_path(name) for name in api.FACENET_FILES}
    return {name: str(path) if path.is_file() else "absent" for name, path in paths.items()}


def _shipped() -> dict[str, str]:

    paths = {
        "rendered people": api.resources.SHIPPED_PEOPLE,
        "anchors": api.resources.SHIPPED_ANCHORS,
        "browser app": api.resources.APP_SCRIPT,
    }
    return {name: str(path) if path.exists() else "absent" for name, path in paths.items()}


def _cache() -> dict[str, str]:

    cache = api.FaceCache()
    return {"folder": str(cache.folder), "photos": str(cache.count())}


def _problems(findings: Findings) -> list[str]:

    if _version("faceforget") == _ABSENT:
        problems = ["what FaceForget needs, which only an installed one can say: pip install -e . in the checkout"]
    else:
        problems = []
    problems += [
        f"{name} is not installed: install faceforget again, or pip install {name}"
        for name, found in findings["versions"].items()
        if found == _ABSENT
    ]
    if findings["versions"].get("facenet-pytorch") == "2.6.0":
        problems.append("facenet-pytorch 2.6.0 pins an old torch: pip install facenet-pytorch==2.5.3")
    shipped = {"weights of `mobile`": findings["weights"]["mobile (shipped)"], **findings["shipped"]}
    problems += [f"{name}: {api.resources.RESTORE}" for name, found in shipped.items() if found == "absent"]
    if findings["weights"]["facenet:vggface2"] == "absent":
        problems.append("weights of `facenet`: downloaded on first use, or give a file, --backbone FILE.pt")
    return problems
