"""Files that come with the program are found in one place of the code, in a checkout and in a wheel."""

import tomllib
from pathlib import Path

import pytest

from faceforget import __version__, resources
from faceforget.resources import INSTALLED_FROM, MissingResourceError, shipped

PACKAGE = Path(resources.__file__).parent
NAMED = ("SHIPPED_MOBILE", "SHIPPED_PEOPLE", "SHIPPED_ANCHORS", "APP_SCRIPT", "APP_SETTINGS")


def pyproject():
    return tomllib.loads((INSTALLED_FROM / "pyproject.toml").read_text("utf-8"))


@pytest.fixture
def in_a_wheel(monkeypatch, tmp_path):
    """The module as it is when the package lies in site-packages, with ``_shipped`` inside."""
    package = tmp_path / "site-packages" / "faceforget"
    (package / "_shipped").mkdir(parents=True)
    source = (PACKAGE / "resources.py").read_text("utf-8")
    found = {"__file__": str(package / "resources.py"), "__name__": "resources"}
    exec(compile(source, "resources.py", "exec"), found)
    return package.resolve(), found


def test_no_other_module_computes_where_the_code_lies():
    looking = [path.name for path in PACKAGE.rglob("*.py") if "__file__" in path.read_text("utf-8")]
    assert looking == ["resources.py"]


@pytest.mark.parametrize("name", NAMED)
def test_a_checkout_has_them_beside_the_package(name):
    path = getattr(resources, name)
    assert shipped(path) == path
    assert path.is_relative_to(PACKAGE.parent)
    assert not path.is_relative_to(PACKAGE)


@pytest.mark.parametrize("name", NAMED)
def test_a_wheel_has_the_same_tree_inside_the_package(in_a_wheel, name):
    package, found = in_a_wheel
    assert found[name].relative_to(package / "_shipped") == getattr(resources, name).relative_to(PACKAGE.parent)


def test_it_says_which_of_the_two_it_is(in_a_wheel):
    package, found = in_a_wheel
    assert (found["INSTALLED_FROM"], found["KIND"]) == (package, "wheel")
    assert (PACKAGE.parent, "checkout, editable") == (resources.INSTALLED_FROM, resources.KIND)


@pytest.mark.parametrize("name", NAMED)
def test_what_the_code_asks_for_is_in_the_wheel(name):
    wheel = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]
    path = getattr(resources, name).relative_to(INSTALLED_FROM)
    assert any(path.is_relative_to(included) for included in wheel["only-include"])
    assert wheel["sources"][path.parts[0]] == f"faceforget/_shipped/{path.parts[0]}"


def test_the_weights_travel_with_their_hash():
    included = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
    assert {"pretrained/mobile.safetensors", "pretrained/mobile.safetensors.sha256"} <= set(included)


def test_one_that_is_gone_says_what_to_do(tmp_path):
    with pytest.raises(MissingResourceError, match=r"comes with FaceForget and is not there.*git checkout"):
        shipped(tmp_path / "people")


def test_a_users_type_checker_may_read_the_types():
    assert (PACKAGE / "py.typed").is_file()


def test_the_version_stands_in_one_place():
    assert "version" in pyproject()["project"]["dynamic"]
    changes = (INSTALLED_FROM / "CHANGELOG.md").read_text("utf-8")
    assert f"\n## [{__version__}]" in changes
