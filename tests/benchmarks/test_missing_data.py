"""A benchmark whose photos or weights are not there says so in one sentence; and who may import whom."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.data import MissingDataError, needed

ROOT = Path(__file__).resolve().parents[2]
# These read rendered people, which are in the repository.
RENDERED = {"app_speed", "faults", "first_picture", "scale", "screenshots", "soak"}
# What a command needs besides its name.
ARGUMENTS = {
    "backdoor": ["faces"],
    "faces": [str(ROOT / "benchmarks" / "faces" / "smoke.toml")],
    "method_figure": ["--people", "nowhere/people"],
    "paper": ["tiny-imagenet"],
}
_RUN_ALL = """
import contextlib, io, json, runpy, sys
found = {}
for name, arguments in json.loads(sys.argv[1]).items():
    sys.argv, said = [name, *arguments], io.StringIO()
    try:
        with contextlib.redirect_stderr(said), contextlib.redirect_stdout(said):
            runpy.run_module(name, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code
    found[name] = [code, said.getvalue()]
print(json.dumps(found))
"""


def commands():
    """Every module that is run, by the path that ``python -m`` wants, without ``benchmarks.``."""
    for path in sorted((ROOT / "benchmarks").rglob("*.py")):
        if '__name__ == "__main__"' in path.read_text():
            yield ".".join(path.relative_to(ROOT / "benchmarks").with_suffix("").parts).removesuffix(".__main__")


NEEDY = [name for name in commands() if name not in RENDERED]


@pytest.fixture(scope="module")
def ends(tmp_path_factory):
    """How each command ends where there is nothing: its exit code and what it said."""
    empty = tmp_path_factory.mktemp("empty")
    asked = {f"benchmarks.{name}": ARGUMENTS.get(name, []) for name in NEEDY}
    done = subprocess.run(
        [sys.executable, "-c", _RUN_ALL, json.dumps(asked)],
        cwd=empty, capture_output=True, text=True, check=False,
        env={**os.environ, "FACEFORGET_SHARED": str(empty), "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_command_is_looked_at():
    assert set(commands()) > RENDERED
    assert {"first_light", "embedding", "embedding.search", "faces", "white_box"} <= set(NEEDY)


@pytest.mark.parametrize("name", NEEDY)
def test_missing_data_ends_a_command_with_one_readable_error(ends, name):
    code, said = ends[f"benchmarks.{name}"]
    assert code == 2
    (line,) = said.strip().splitlines()
    assert line.startswith("Error: ")
    assert "docs/data.md" in line


def test_the_error_says_what_is_missing_and_where_it_was_looked_for(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "there.zip").touch()
    with pytest.raises(MissingDataError) as caught:
        needed(tmp_path / "empty", tmp_path / "there.zip", tmp_path / "weights.safetensors", "mobile")
    assert caught.value.values["missing"] == [str(tmp_path / "empty"), str(tmp_path / "weights.safetensors")]
    assert str(tmp_path / "empty") in caught.value.message


@pytest.mark.parametrize("folder", ["faceforget", "app", "pretrained", "datasets"])
def test_nobody_imports_benchmarks(folder):
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "benchmarks"], path


def test_no_benchmark_reaches_into_the_privacy_of_the_library():
    """Neither imports a private name of the library nor reads or sets one of a module."""
    for path in (ROOT / "benchmarks").rglob("*.py"):
        tree = ast.parse(path.read_text())
        modules = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("faceforget"):
                assert not [alias.name for alias in node.names if alias.name.startswith("_")], path
                modules |= {alias.asname or alias.name for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                assert not node.attr.startswith("_"), f"{path}: {ast.unparse(node)}"
