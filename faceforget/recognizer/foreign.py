"""Whether a model or weights are there, and what a file is instead; loads nothing that takes seconds."""

from pathlib import Path
from pkgutil import iter_modules

from faceforget.errors import BackboneError, ModelFileError
from faceforget.recognizer import backbones

# Of backbones, by the names of their files: reading these would load torch.
NAMES = tuple(sorted(module.name for module in iter_modules(backbones.__path__)))

_LONGEST = 512
_STARTS = (
    (b"\xff\xd8\xff", "a JPEG photo"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a zip archive or a file of PyTorch"),
    (b"\x80", "a pickle or an old file of PyTorch"),
    (b"SQLite format 3", "a SQLite database"),
    (b"%PDF", "a PDF"),
    (b"<", "a web page or XML"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file itself"),
)


def check_model_file(path: Path) -> None:
    """Check that there is a file.

    Raises:
        ModelFileError: There is none, or a folder.
    """
    if path.is_dir():
        raise ModelFileError(f"{path} is a folder, expected the file of a model.", _models_in(path))
    if path.is_file():
        return
    if there := _models_in(path.parent):
        raise ModelFileError(f"There is no model file {path}.", there)
    raise ModelFileError(f"There is no model file {path}.", "Make one with enroll, and save it.", code="no-model")


def _models_in(folder: Path) -> str:
    names = sorted(path.name for path in folder.glob("*.safetensors"))[:5] if folder.is_dir() else []
    return f"Models in that folder: {', '.join(names)}." if names else ""


def check_weights(name_or_file: str | Path) -> None:
    """Check that a backbone is known by name, or a file of a format that is read.

    Raises:
        BackboneError: It is neither.
    """
    path = Path(name_or_file)
    if str(name_or_file).partition(":")[0] in NAMES:
        return
    if not path.is_file():
        raise BackboneError(
            f"No backbone is called {str(name_or_file)!r}, and there is no such file.",
            f"Known names: {', '.join(NAMES)}; or give a .safetensors or .pt file of weights.",
        )
    if path.suffix.lower() == ".onnx":
        raise BackboneError(
            f"{path} is a network in ONNX, which is not read yet.",
            f"Give weights of an architecture that is known ({', '.join(NAMES)}) as .safetensors or .pt.",
        )


def content_of(path: Path) -> str:
    """What a file seems to hold, in words such as ``a JPEG photo``; empty where its first bytes do not say.

    Args:
        path: An existing file, untrusted.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_LONGEST)
    except OSError:
        return ""
    if not head:
        return "an empty file"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "a WebP picture"
    known = next((words for start, words in _STARTS if head.startswith(start)), "")
    return known or ("text" if all(byte >= 32 or byte in b"\t\r\n" for byte in head) else "")


def it_is(path: Path) -> str:
    """The same as a sentence with a blank before it, or nothing."""
    words = content_of(path)
    return f" It looks like {words}." if words else ""
