"""The walls: which room may import which. Read from the source, so that imports within functions count too."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from faceforget import api, lab

ROOT = Path(__file__).resolve().parents[1]
# From the bottom up: a room may import those before it, and what everybody may.
ROOMS = ("compute", "unlearn", "photos", "people", "recognizer", "audit", "report", "api", "requests")
EVERYBODY = {"__version__", "errors", "fields", "files", "listing", "progress", "resources"}
# What is a library on its own knows less: no files, and nothing of the program.
UNLEARN = {"compute", "errors", "fields", "progress"}
# Of the library, front ends see its face (`faceforget/api/__init__.py`) and these; and what is their own. Benchmarks
# also see what is measured with (`faceforget/lab/__init__.py`), and inside the methods, which are what they are about.
FACE = {"faceforget.__version__", "faceforget.api", "faceforget.errors", "faceforget.progress"}
FRONT_ENDS = {
    "app": ("app",),
    "faceforget/cli": ("faceforget.cli", "faceforget.serve"),
    "faceforget/serve": ("faceforget.serve",),
    "benchmarks": (
        "benchmarks",
        "pretrained",
        "tests",
        "app",
        "faceforget.cli",
        "faceforget.lab",
        "faceforget.unlearn",
    ),
}


def imported(path):
    """The modules of this repository that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: imports are absolute"
            inside = {name.name for name in node.names if is_module(f"{node.module}.{name.name}")}
            found |= {f"{node.module}.{name}" for name in inside}
            found |= {node.module} if len(inside) < len(node.names) else set()
            if node.module == "faceforget":
                found = found - {"faceforget"} | {f"faceforget.{name.name}" for name in node.names}
    return {name for name in found if name.partition(".")[0] in ("faceforget", "app", "benchmarks", "tests")}


def is_module(name):
    path = ROOT / name.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def sources(folder):
    return sorted((ROOT / folder).rglob("*.py"))


def name_of(path):
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_those_below_it(room):
    below = UNLEARN if room == "unlearn" else EVERYBODY | set(ROOMS[: ROOMS.index(room)])
    upwards = {
        (name_of(path), other)
        for path in sources(f"faceforget/{room}")
        for name in imported(path)
        if (other := name.removeprefix("faceforget.").partition(".")[0]) not in below | {room}
    }
    assert upwards == set()


@pytest.mark.parametrize("room", sorted(EVERYBODY - {"__version__"}))
def test_what_everybody_may_import_imports_no_room(room):
    others = {name.removeprefix("faceforget.") for name in imported(ROOT / "faceforget" / f"{room}.py")}
    assert others <= EVERYBODY


@pytest.mark.parametrize("front", FRONT_ENDS)
def test_front_ends_call_the_face_and_nothing_beneath_it(front):
    beneath = {
        name_of(path)
        for path in sources(front)
        for name in imported(path)
        if name not in FACE and not any(f"{name}.".startswith(f"{own}.") for own in FRONT_ENDS[front])
    }
    assert beneath == set()


@pytest.mark.parametrize("face", [api, lab])
def test_every_name_of_a_face_is_there(face):
    missing = [name for name in dir(face) if getattr(face, name, None) is None]
    assert missing == []
    with pytest.raises(AttributeError, match="no 'nothing'"):
        face.nothing  # noqa: B018


def test_the_face_loads_torch_for_those_alone_who_need_it():
    script = "import sys; from faceforget import api; api.find_photos, api.write_json; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False).returncode == 0
