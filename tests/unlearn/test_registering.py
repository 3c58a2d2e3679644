"""Methods of others: registered by a call, or announced by an installed package."""

import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest

from faceforget.errors import MethodError
from faceforget.unlearn import METHODS, Delete, Eraser, Method, make_method, register_method
from faceforget.unlearn.registry import _registry

EXAMPLE = Path(__file__).parent / "example_package"
EVERY_METHOD = Path(__file__).parent / "test_every_method.py"


def with_example(*words):
    """Python with the example package installed beside ours."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(EXAMPLE), os.environ.get("PYTHONPATH", "")])}
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, env=environment, check=False)


def test_the_test_over_every_method_runs_on_a_method_of_an_installed_package():
    ran = with_example("-m", "pytest", str(EVERY_METHOD), "-k", "example_unlikelihood", "-n", "0", "-q")
    assert ran.returncode == 0, ran.stdout
    assert " passed" in ran.stdout


def test_a_package_that_cannot_be_loaded_is_told_and_leaves_the_others_alone():
    ran = with_example("-m", "faceforget", "methods", "example_unlikelihood")
    assert ran.returncode == 0, ran.stderr
    assert "1908.04319" in ran.stdout
    assert "'broken' of faceforget_example:Nothing cannot be used" in " ".join(ran.stderr.split())


@pytest.fixture
def registered():
    """Whatever a test registers is gone afterwards."""
    METHODS.get("")
    before = dict(_registry._methods)
    yield register_method
    _registry._methods.clear()
    _registry._methods.update(before)


def test_a_registered_method_is_made_by_its_name(registered):
    @registered
    class Mine(Eraser):
        name: ClassVar[str] = "mine"
        paper: ClassVar[str] = "none"

    assert METHODS["mine"] is Mine
    assert isinstance(make_method("mine", {"max_steps": "3"}), Mine)


def test_a_name_that_is_taken_is_refused(registered):
    registered(Delete)  # the same once more is no other
    with pytest.raises(
        MethodError, match=r"'delete' is already the name of faceforget\.unlearn.methods\.delete\.Delete"
    ):

        @registered
        class Mine(Eraser):
            name: ClassVar[str] = "delete"
            paper: ClassVar[str] = "none"


class Nameless(Method):
    """Says nothing of itself."""


@pytest.mark.parametrize(("what", "said"), [(Nameless, "has no name and no paper"), (print, "subclass of Method")])
def test_what_is_no_method_is_refused(what, said, registered):
    with pytest.raises(MethodError, match=said):
        registered(what)
