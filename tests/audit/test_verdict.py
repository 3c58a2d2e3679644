import pytest

from faceforget.audit.estimates import Estimate, Rate
from faceforget.audit.verdict import Criterion, Figure, judge, thresholds


def rule(**changes):
    values = {"words": "w", "reference": "zero", "compare": "difference", "at": "most", "passed": 0.02, "partial": 0.1}
    return Criterion(**{**values, **changes})


def outcome(figure, **changes):
    verdict = judge({"x": figure}, {"forgotten": {"x": rule(**changes)}})
    return verdict.of("forgotten")


@pytest.mark.parametrize(
    ("hits", "expected"), [(0, "passed"), (2, "passed"), (3, "partial"), (10, "partial"), (11, "failed")]
)
def test_a_share_is_compared_with_its_thresholds(hits, expected):
    assert outcome(Figure(Rate(hits, 100))) == expected


@pytest.mark.parametrize(
    ("after", "expected"), [(0.97, "passed"), (0.969, "partial"), (0.85, "failed"), (1.0, "passed")]
)
def test_at_least_looks_the_other_way(after, expected):
    figure = Figure(Estimate(after, 10), before=Estimate(0.99, 10))
    assert outcome(figure, reference="before", at="least", passed=-0.02, partial=-0.1) == expected


@pytest.mark.parametrize(("after", "expected"), [(0.19, "passed"), (0.5, "partial"), (0.7, "failed")])
def test_a_ratio_is_relative_to_the_reference(after, expected):
    figure = Figure(Estimate(after, 10), reference=Estimate(0.95, 80))
    assert outcome(figure, reference="reference", compare="ratio", passed=0.2, partial=0.6) == expected


@pytest.mark.parametrize("figure", [Figure(None), Figure(Rate(0, 0)), Figure(Estimate(None, 3, note="too few"))])
def test_what_could_not_be_measured_is_no_pass(figure):
    assert outcome(figure) == "not measured"


def test_nothing_can_be_a_share_of_a_reference_of_zero():
    assert outcome(Figure(Rate(0, 9), reference=Rate(0, 9)), reference="reference", compare="ratio") == "not measured"


def test_the_worst_criterion_decides_and_the_unmeasured_do_not():
    rules = {"forgotten": {"a": rule(), "b": rule(), "c": rule()}}
    assert judge({"a": Figure(Rate(0, 9)), "b": Figure(Rate(5, 100))}, rules).to_dict() == {"forgotten": "partial"}


def test_the_shipped_thresholds_are_in_order_and_have_all_promises():
    found = thresholds()
    assert list(found) == ["forgotten", "unrecognisable", "others_kept"]
    for rules in found.values():
        for one in rules.values():
            assert (one.passed <= one.partial) == (one.at == "most")
