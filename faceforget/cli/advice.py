"""What to do about an error, in the words of the command line."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from string import Formatter

from faceforget.errors import FaceForgetError

# By the code of the error; `{name!q}` is a value of it, quoted for a shell.
ADVICE: Mapping[str, str] = {
    "address-without-ray": "Add --engine ray.",
    "anchors-not-read": "Leave out --anchors, or choose a method that reads them: `faceforget methods`.",
    "batch-begun": "Add --resume, or give another folder.",
    "batch-interrupted": "Look for a lack of memory. Nothing is lost: go on with --resume.",
    "destroyed-model": (
        "Nothing was written. Leave out --method and --set for the promise forgotten; with a method that trains, give "
        "a smaller --set learning_rate or --set max_steps; --allow-damage writes the model all the same."
    ),
    "few-with-many-photos": "Ask for fewer with --min-photos.",
    "incomplete-people": "Add photos of them, or leave these people out: --skip-incomplete.",
    "method-not-allowed": (
        "Name one of these in the column method or with --method, or none for the one of the promise."
    ),
    "model-busy": "Wait until it is done, or give --wait SECONDS.",
    "no-device": "Use --device cpu or --device auto.",
    "no-download": "Fetch {url} on another machine and put it at {target!q}, or give its path: --backbone FILE.pt.",
    "no-ledger": "`faceforget batch` makes one.",
    "no-lfw": (
        "Connect to the internet once; or unpack lfw-funneled.tgz, fetched elsewhere, there, so that "
        "{photos}/NAME/PHOTO.jpg exist; or use `faceforget people folder` with any copy."
    ),
    "no-model": "Make one with `faceforget enroll`.",
    "no-private-key": "Make one with `faceforget keys new`.",
    "no-safetensors": "Give a model made by `faceforget enroll`.",
    "no-shipped-weights": "Give a file with the weights of a MobileFaceNet instead: --backbone FILE.safetensors.",
    "no-strangers": "Give people who are not enrolled, or leave out --strangers.",
    "nobody-named": "Name them with --person.",
    "not-forgotten": "Nothing was written. {advice} Settings are given as --set NAME=VALUE.",
    "no-torchrun": "Start it with torchrun or --processes {started}; or unset {variable}.",
    "one-process": "Leave out --processes and torchrun; `delete` with --set moves=all can use several.",
    "other-processes": "Leave out --processes: torchrun's --nproc-per-node says how many.",
    "other-weights": "Give the file that it was enrolled from: --backbone FILE.",
    "request-without-model": "Add the column model, or give one with --model.",
    "retained-needed": (
        "Give --retained DIR, a folder per person, or use a method that reads the photos of the person only: "
        "`faceforget methods`."
    ),
    "retained-not-read": "Leave out --retained, or choose a method that reads them: `faceforget methods`.",
    "several-models": "`faceforget batch` takes lists of several models.",
    "token-needed": "Set FACEFORGET_TOKEN or give --token-file, for example from `openssl rand -hex 32`.",
    "too-few-anchors": "Give more, or leave out --anchors: rendered people serve instead.",
    "too-many-requests": "Wait, or raise the limit with --limit if they are all wanted.",
    "unsigned-export": "Ask for one made with `faceforget ledger export --key`.",
    "weights-alone": "Make a model with `faceforget enroll PEOPLE_DIR --backbone {file!q} --out MODEL`.",
    "weights-needed": "Give the file: --backbone FILE.",
    "wrong-person": "Remove them, or confirm with --allow-mismatch that they are right.",
}


class _Shell(Formatter):
    def convert_field(self, value: object, conversion: str | None) -> object:
        return quoted(str(value)) if conversion == "q" else super().convert_field(value, conversion)


def advice(error: FaceForgetError) -> str:
    """What to do about it; empty when its message says it."""
    words = ADVICE.get(error.code)
    return error.todo if words is None else _Shell().vformat(words, (), error.values)


def told(error: Exception) -> str:
    """An error in a line: what went wrong and what to do."""
    return f"{error.message} {advice(error)}".strip() if isinstance(error, FaceForgetError) else system_said(error)


def system_said(error: Exception) -> str:
    """An error of the system without its number, with the file that it is about."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error) or type(error).__name__
    return f"{error.strerror}: {error.filename}." if error.filename else f"{error.strerror}."


def quoted(value: str | Path) -> str:
    """A word of a command as a shell reads it."""
    return shlex.quote(str(value))
