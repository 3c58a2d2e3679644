"""The criteria of all questions, and ``verdict.toml``, where an operator reads them in one place.

``python -m faceforget.audit.thresholds`` writes that file anew once a question's criteria have changed.
"""

import json
import textwrap
from importlib.resources import files
from pathlib import Path

from faceforget.audit.registry import questions
from faceforget.audit.verdict import Criterion

FILE = Path(str(files("faceforget.audit") / "verdict.toml"))
_WIDTH = 118
_HEAD = """\
# When is a promise kept? The thresholds of an audit.
#
# Written by `python -m faceforget.audit.thresholds` from the questions in faceforget/audit/questions/, where each
# threshold is set.
#
# A verdict is the worst of its criteria. Each criterion compares one figure of the model AFTER with its
# reference, as a `difference` (after - reference) or a `ratio` (after / reference):
#   at most:  passed if the comparison is <= passed, partial if <= partial, else failed
#   at least: passed if it is >= passed, partial if >= partial, else failed
#
# A verdict is never better than its evidence:
#   - The whole 95 % interval must keep to `sure` for passed, and to `partial` for partial; else there were
#     `too few photos to say`. `sure` is `partial` where it is not given: what has passed is not to fail by bad luck.
#     With none named that takes 35 photos at 0.10: 0 of 12 may be 24 %. Photos of several persons in one audit count
#     together. At 0.35 of what is managed for a stranger it takes 8 photos. Where the interval of a change is not
#     known, the value decides.
#   - A value that fails has failed, whatever its interval.
#   - Where a `leading` criterion could not be measured, the promise is `not measured`; another one is left out.
#     `needs` says what was missing and `option` what to give.
#   - What was measured on rendered people alone, who stood in for others, may fail and never passes.
#
# References: `zero` is nobody; `before` the same figure of the model before; `reference` the retrained model if one
# was given, otherwise strangers put in the person's place in the model AFTER; `strangers` the strangers' own figure
# in the same model.
"""


def thresholds() -> dict[str, dict[str, Criterion]]:
    """The criteria of each promise, in the order of their questions; those that lead come first."""
    found: dict[str, dict[str, Criterion]] = {}
    for question in questions():
        for promise, rules in question.criteria.items():
            found.setdefault(promise, {}).update(rules)
    return {
        promise: dict(sorted(rules.items(), key=lambda rule: not rule[1].leading)) for promise, rules in found.items()
    }


def as_toml() -> str:
    """What ``verdict.toml`` holds."""
    rules = [
        _rule(f"{promise}.{name}", rule) for promise, rules in thresholds().items() for name, rule in rules.items()
    ]
    return "\n".join([_HEAD, *rules])


def _rule(name: str, rule: Criterion) -> str:
    why = [f"# {line}" for line in textwrap.wrap(rule.why, _WIDTH)]
    given = rule.model_dump(exclude_defaults=True)
    values = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in given.items()]
    return "\n".join([*why, f"[{name}]", *values, ""])


if __name__ == "__main__":
    FILE.write_text(as_toml(), "utf-8")
