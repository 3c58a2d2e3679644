"""Where there is no terminal, progress is lines and not a bar that nobody sees."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from faceforget.cli import console
from faceforget.progress import Event


def test_into_a_file_a_line_says_what_is_running(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=log, width=80))
    monkeypatch.setattr(console, "_LINE_EVERY", 0.0)
    with console.progress_bar() as progress:
        progress(Event("people", 1, 3))
        progress(Event("erasing", 2, 60, {"loss": 0.25}))
        assert "people 1/3\n" in log.getvalue()
        assert "people 1/3 · erasing 2/60 loss 0.250\n" in log.getvalue()


def test_lines_are_ten_seconds_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    now = 0.0
    monkeypatch.setattr(console, "err", Console(file=log, width=80))
    monkeypatch.setattr(console, "time", SimpleNamespace(monotonic=lambda: now))
    with console.progress_bar() as progress:
        for done in range(50):
            now = done / 2  # seconds
            progress(Event("erasing", done, 100))
        assert log.getvalue().splitlines() == ["erasing 20/100", "erasing 40/100"]


def test_what_has_nothing_to_do_has_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    log = io.StringIO()
    monkeypatch.setattr(console, "err", Console(file=log, width=80))
    with console.progress_bar() as progress:
        progress(Event("checking", 0, 0, final=True))
        progress(Event("erasing", 1, 1, final=True))
    assert "checking" not in log.getvalue()
    assert "erasing" in log.getvalue()
