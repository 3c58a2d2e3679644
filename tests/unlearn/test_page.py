"""The page of the library runs as it stands."""

import re
from pathlib import Path

import pytest

from faceforget.unlearn.registry import METHODS, _registry

PAGE = Path(__file__).parents[2] / "docs" / "unlearning.md"


@pytest.fixture
def restored():
    METHODS.get("")
    before = dict(_registry._methods)
    yield
    _registry._methods.clear()
    _registry._methods.update(before)


def test_the_blocks_of_the_page_run_one_after_another(restored, capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) >= 4
    shared = {}
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), shared)
    assert "unlikelihood" in METHODS
    assert capsys.readouterr().out
