"""Charts: what goes in comes out as text, and nothing else."""

import re

import numpy as np
import pytest

from faceforget.audit.estimates import Estimate, Rate, not_measured
from faceforget.audit.shown.section import (
    SIDES,
    Bars,
    Cloud,
    Course,
    Curves,
    Histogram,
    Ranges,
    Row,
    ScatterChart,
)  # fmt: skip
from faceforget.audit.shown.words import listed, rate_with_interval, reasons, share
from faceforget.report.chart_files import to_image, to_svg
from faceforget.report.charts import AFTER, BEFORE, REFERENCE
from faceforget.report.charts_more import density
from faceforget.report.drawing import draw
from faceforget.report.glyphs import printable

NASTY = "$x^2$ <b onload='a'>-->"
ROW = Row(NASTY, Rate(8, 8), Rate(0, 8), Estimate(0.5, 6, (0.4, 0.6)))


def drawn():
    series = [(side, [Rate(1, 2), None, not_measured(1, "few")]) for side in SIDES]
    bins = [1.0, 2.0, 3.0]
    plots = {
        "ranges": Ranges([ROW, Row("nothing", None, not_measured(1, "few"))]),
        "curves": Curves(("1", "5", NASTY), series, along="photos"),
        "bars": Bars({NASTY: 0.5, "Bo": 0.5}, {"Bo": 1.0}),
        "no bars": Bars({}, {}),
        "histogram": Histogram([-1, -0.5, 0, 0.5], "after", bins, bins, [0.0] * 3, 0.2),
        "scatter": ScatterChart("after", [Cloud(NASTY, np.zeros((2, 2)), "forgotten")], ((-1, 1), (-1, 1))),
        "course": Course([("after", [(0, 0.0), (1, 0.5), (3, 1.0)])], 0.9),
    }
    return {name: draw(plot) for name, plot in plots.items()}


@pytest.mark.parametrize("name", drawn())
def test_a_chart_is_drawn_as_text_and_never_as_markup(name):
    figure = drawn()[name]
    text = to_svg(figure, "c1", "words")
    assert text.count("<svg") == text.count("</svg>") == 1
    assert "<b" not in text
    assert "<image" not in text
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert all(found.startswith("c1-") for found in ids)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]+)', text)) <= set(ids)
    assert to_image(figure).width > 1000


def test_names_with_dollar_signs_stay_as_they_are():
    assert "$x^2$ &lt;b onload=" in to_svg(draw(Ranges([ROW])), "c", "")


def test_each_side_keeps_its_colour():
    text = to_svg(draw(Ranges([ROW])), "c", "")
    for colour in (BEFORE, AFTER, REFERENCE):
        assert colour in text


def test_what_the_font_lacks_is_written_as_its_code_point():
    assert printable("Ada Жук") == "Ada Жук"
    assert printable("王") == "[U+738B]"


def test_density_integrates_to_one():
    assert (density([1, 3], np.array([0.5, 0.5])) * 0.5).sum() == pytest.approx(1)
    assert density([0, 0], np.array([0.5, 0.5])).sum() == 0


def test_shares_are_never_rounded_to_none_or_all():
    assert [share(value) for value in (0.0, 0.0001, 0.125, 0.99999, 1.0, None)] == [
        "0\u00a0%", "< 0.1\u00a0%", "12.5\u00a0%", "> 99.9\u00a0%", "100\u00a0%", "not measured",
    ]  # fmt: skip
    assert rate_with_interval(Rate(8, 8)) == "100\u00a0% (68 to 100\u00a0%)"


def test_reasons_are_gathered():
    few = not_measured(1, "too few photos")
    assert reasons([("a", few), ("b", few), ("c", Rate(1, 2)), ("d", Rate(0, 0))]) == (
        "Not measured: a; b. Why: too few photos.",
        "Not measured: d. Why: there were no photos for it.",
    )
    assert listed(["a", "b", "c"]) == "a, b and c"
