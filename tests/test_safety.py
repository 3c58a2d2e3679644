"""Weights and caches are untrusted files: nothing in the tree may read one in a way that runs code."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("faceforget", "app", "benchmarks", "pretrained")
CODE_RUNNERS = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}


def files():
    return sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def offences(source):
    """``(line, what)`` of every import or call that may run code from a file."""
    return [(node.lineno, what) for node in ast.walk(ast.parse(source)) for what in (*_imports(node), *_calls(node))]


def _imports(node):
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        # Under another name a loader would not be seen below.
        loaders = {"torch", "numpy", "torch.serialization"}
        hidden = [alias.name for alias in node.names if node.module in loaders and alias.name == "load"]
        yield from (f"from {node.module} import {name}" for name in hidden)
        names = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
    else:
        return
    if any(CODE_RUNNERS & set(name.split(".")) for name in names):
        yield ast.unparse(node)


def _calls(node):
    if not isinstance(node, ast.Call):
        return
    name = ast.unparse(node.func)
    options = {option.arg: ast.unparse(option.value) for option in node.keywords}
    if name in {"torch.load", "torch.serialization.load"} and options.get("weights_only") != "True":
        yield f"{name} without weights_only=True"
    if options.get("allow_pickle", "False") != "False":
        yield f"{name} with allow_pickle"
    if name in {"np.load", "numpy.load"} and (None in options or len(node.args) > 2):
        yield f"{name} whose allow_pickle cannot be seen"
    if name.endswith("hub.load") or name in {"torch.package.PackageImporter", "torch.jit.load"}:
        yield name


def test_there_are_files_to_look_at():
    assert len(files()) > 50


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_read_in_a_way_that_runs_code(path):
    assert offences(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "torch.load(path, weights_only=flag)",
        "torch.load(path, **options)",
        "from torch import load",
        "from torch.serialization import load as read",
        "torch.hub.load('a/b', 'c')",
        "import pickle",
        "import pickle as p",
        "def f():\n    from pickle import loads",
        "import joblib",
        "from sklearn.externals import joblib",
        "np.load(path, allow_pickle=True)",
        "numpy.load(path, allow_pickle=flag)",
        "np.load(path, None, True)",
        "np.load(path, **options)",
    ],
)
def test_what_is_refused(source):
    assert len(offences(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        "torch.load(path, map_location='cpu', weights_only=True)",
        "np.load(path)",
        "np.load(path, allow_pickle=False)",
        "import json",
        "from safetensors.torch import load_file",
    ],
)
def test_what_is_allowed(source):
    assert offences(source) == []
