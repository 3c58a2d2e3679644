"""What the library's errors say, and what each front end makes of it."""

import ast
import pickle
import re
from collections import defaultdict
from pathlib import Path
from string import Formatter

import pytest

import faceforget
from app import advice as app_words
from faceforget.cli import advice as cli_words
from faceforget.errors import FaceForgetError, UnknownPersonError, WrongPersonError
from faceforget.requests import reasons

PACKAGE = Path(faceforget.__file__).parent
MODULES = [path for path in sorted(PACKAGE.rglob("*.py")) if path.relative_to(PACKAGE).parts[0] != "cli"]
# Whole commands, for whoever holds the page and nothing else.
WITH_COMMANDS = {"api/demo_told.py", "requests/receipt_page.py"}
OPTION = re.compile(r"(?<![-\w])--[a-z]")
COMMAND = re.compile(r"`(faceforget|batch|ledger|enroll) ")


def _texts(path, *, docstrings):
    tree = ast.parse(path.read_text("utf-8"))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
    left_out = (
        set()
        if docstrings
        else {
            id(n.body[0].value) for n in ast.walk(tree) if isinstance(n, documented) and isinstance(n.body[0], ast.Expr)
        }
    )
    return [
        n.value
        for n in ast.walk(tree)
        if isinstance(n, ast.Constant) and isinstance(n.value, str) and id(n) not in left_out
    ]


def _found(pattern, *, docstrings):
    return {
        (name, text)
        for path in MODULES
        if (name := path.relative_to(PACKAGE).as_posix()) not in WITH_COMMANDS
        for text in _texts(path, docstrings=docstrings)
        if pattern.search(text)
    }


def _codes():
    """By code the names of the values that come with it, at every place."""
    found = defaultdict(list)
    for path in MODULES:
        for call in ast.walk(ast.parse(path.read_text())):
            given = {k.arg: k.value for k in call.keywords if k.arg} if isinstance(call, ast.Call) else {}
            code = given.get("code")
            if isinstance(code, ast.Constant):
                found[code.value].append(given.keys() - {"code"})
    return found


def _classes(base):
    return {base, *(c for sub in base.__subclasses__() for c in _classes(sub))}


CODES = _codes()


def test_no_text_of_the_library_names_an_option_of_the_command_line():
    assert _found(OPTION, docstrings=True) == set()


def test_nor_does_it_send_anybody_to_a_command():
    assert _found(COMMAND, docstrings=False) == set()


def test_the_thresholds_name_no_option_either():
    assert not OPTION.search((PACKAGE / "audit" / "verdict.toml").read_text())


@pytest.mark.parametrize("code", sorted(CODES))
def test_what_to_do_is_worded_by_every_front_end_that_comes_to_the_error(code):
    assert re.fullmatch("[a-z]+(-[a-z]+)*", code)
    assert code in cli_words.ADVICE
    assert (code in app_words.ADVICE) != (code in app_words.ELSEWHERE)


@pytest.mark.parametrize("words", [cli_words.ADVICE, app_words.ADVICE], ids=["command line", "app"])
def test_the_tables_know_no_error_that_there_is_not(words):
    kinds = {cls("").code for cls in _classes(FaceForgetError) if cls.__init__ is FaceForgetError.__init__}
    assert set(words) <= CODES.keys() | kinds
    for code in words:
        wanted = {name for _, name, _, _ in Formatter().parse(words[code]) if name}
        assert all(wanted <= given for given in CODES[code]) or not wanted


def test_the_service_says_of_every_reason_of_a_receipt_what_to_send_instead():
    pytest.importorskip("fastapi")
    from faceforget.serve.advice import TODO, todo_about

    assert set(TODO) == reasons.KINDS - {"usage"}
    assert todo_about("usage") == "Ask the operator."


def test_an_error_says_itself_what_to_do_in_python():
    error = WrongPersonError("Two photos.", "Confirm: allow_mismatch=True.", code="wrong-person")
    assert str(error) == "Two photos. Confirm: allow_mismatch=True."


def test_the_command_line_says_it_with_its_options():
    error = WrongPersonError("Two photos.", "Confirm: allow_mismatch=True.", code="wrong-person")
    assert cli_words.told(error) == "Two photos. Remove them, or confirm with --allow-mismatch that they are right."


def test_the_app_says_it_with_what_is_on_the_page():
    error = WrongPersonError("Two photos.", "Confirm: allow_mismatch=True.", code="wrong-person")
    assert app_words.told(error) == "Two photos. Give other photos, or say that these are right."


def test_a_file_in_a_printed_command_is_quoted():
    error = FaceForgetError("Weights.", code="weights-alone", file=Path("my models/b's.safetensors"))
    assert """--backbone 'my models/b'"'"'s.safetensors' --out""" in cli_words.advice(error)


def test_an_error_of_another_kind_keeps_its_own_words():
    assert cli_words.told(FaceForgetError("Full.", "Make room.")) == "Full. Make room."
    assert app_words.told(FaceForgetError("Full.", "Make room.")) == "Full. Make room."


def test_without_a_code_of_its_own_an_error_has_that_of_its_kind():
    assert (UnknownPersonError("Zoe?").code, UnknownPersonError("Zoe?").kind) == ("unknown-person", "unknown_person")


def test_an_error_survives_the_way_to_another_process():
    error = pickle.loads(pickle.dumps(WrongPersonError("Two.", "Look.", code="other", photos=2)))
    assert (error.message, error.todo, error.code, error.values) == ("Two.", "Look.", "other", {"photos": 2})


def test_an_error_of_the_system_is_told_without_its_number(tmp_path):
    with pytest.raises(OSError, match="Is a directory") as caught:
        tmp_path.read_bytes()
    assert cli_words.told(caught.value) == f"Is a directory: {tmp_path}."
