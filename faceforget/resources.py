"""Where the files lie that come with the program: weights, rendered people, anchors and the browser app.

A checkout has them in folders of their own beside the package. The wheel has the same tree inside the package, in
``_shipped`` (``pyproject.toml``, ``[tool.hatch.build.targets.wheel]``). No other module knows either place.
"""

from pathlib import Path

from faceforget.errors import FaceForgetError

_PACKAGE = Path(__file__).resolve().parent
_IN_WHEEL = _PACKAGE / "_shipped"

INSTALLED = _IN_WHEEL.is_dir()
"""Whether this is an installed wheel; otherwise it runs from a checkout."""
INSTALLED_FROM = _PACKAGE if INSTALLED else _PACKAGE.parent
"""The installed package, or the checkout."""
KIND = "wheel" if INSTALLED else "checkout, editable"
RESTORE = "Install faceforget again." if INSTALLED else "Restore it: git checkout -- app datasets pretrained"
"""What to do about a shipped file that is missing or damaged."""

_ROOT = _IN_WHEEL if INSTALLED else _PACKAGE.parent
SHIPPED_MOBILE = _ROOT / "pretrained" / "mobile.safetensors"
SHIPPED_PEOPLE = _ROOT / "datasets" / "people"
SHIPPED_ANCHORS = _ROOT / "datasets" / "anchors"
APP_SCRIPT = _ROOT / "app" / "main.py"
APP_SETTINGS = _ROOT / ".streamlit" / "config.toml"


class MissingResourceError(FaceForgetError):
    """A file that comes with the program is not there."""


def shipped(path: Path) -> Path:
    """The path of a shipped file or folder, after a look whether it is there.

    Raises:
        MissingResourceError: It is not: the installation is damaged.
    """
    if not path.exists():
        raise MissingResourceError(f"{path} comes with FaceForget and is not there.", RESTORE)
    return path
