"""Errors of the library: each says what was expected, what came and what to do.

What to do may depend on where somebody is: in Python it is a parameter, on the command line an option, in the app a
field of the page. Such an error has a ``code`` of its own, and what it says itself is in the words of Python; each
front end has a table from code to its own words (``faceforget/cli/advice.py``, ``app/advice.py``), and the service
words its problems itself. No text of the library names an option of the command line.
"""


class FaceForgetError(Exception):
    """Base of every error that a user can do something about.

    Attributes:
        message: What went wrong.
        todo: What to do about it, parameters as Python spells them; empty when the message says it.
        code: Stable name of this error, for programs and for the words of a front end: with hyphens; without one of
            its own, the kind.
        values: The values concerned, for programs.
    """

    def __init__(self, message: str, todo: str = "", *, code: str = "", **values: object) -> None:
        super().__init__(f"{message} {todo}".strip())
        self.message = message
        self.todo = todo
        self.code = code or self.kind.replace("_", "-")
        self.values = values

    @property
    def kind(self) -> str:
        """Short name of the error, stable for programs: the class name in snake case."""
        name = type(self).__name__.removesuffix("Error")
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class UsageError(FaceForgetError):
    """The request itself cannot be carried out as asked; nothing was started."""


class PeopleFolderError(UsageError):
    """A folder of people or photos does not hold what the task needs."""


class UnknownPersonError(UsageError):
    """A person who is not in the model."""


class WrongPersonError(FaceForgetError):
    """The photos look like somebody else, or like several people."""


class ModelFileError(FaceForgetError):
    """A model file is missing, foreign, truncated, changed or of another version."""


class BackboneError(UsageError):
    """A backbone that is not known, or whose weights are not at hand."""


class MethodError(UsageError):
    """An erasure method or one of its settings that does not exist."""


class PromiseError(FaceForgetError):
    """The work was done, and what was promised was not reached."""


class NotForgottenError(PromiseError):
    """The erasure ended without the person being forgotten on their own photos."""


class DestroyedModelError(PromiseError):
    """The erasure took the model's ability to tell people apart."""
