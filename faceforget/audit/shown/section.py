"""What is shown of a question: text, tables, and charts as the numbers in them. How it is drawn, a page decides."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from numpy.typing import ArrayLike

from faceforget.audit.estimates import Measured
from faceforget.photos.align import RGB

# Whose numbers: each has its colour and mark, the same in every chart. The last two are of the model after.
Side = Literal["before", "after", "reference", "person", "others"]
SIDES: tuple[Side, Side, Side] = ("before", "after", "reference")


@dataclass(frozen=True)
class Row:
    """A line of a chart or table: a measure of before, after and reference; None where there is none."""

    words: str
    before: Measured | None
    after: Measured | None
    reference: Measured | None = None

    @property
    def sides(self) -> tuple[Measured | None, Measured | None, Measured | None]:
        """In the order of ``SIDES``."""
        return self.before, self.after, self.reference


@dataclass(frozen=True)
class Ranges:
    """Points on a line with their 95 % intervals and their values at the right.

    Attributes:
        rows: From top to bottom.
        reference: What the reference is.
        limits: Of the axis.
        mark: Where a dashed line goes: what guessing gives.
        percent: Whether the values are shares.
    """

    rows: Sequence[Row]
    reference: str = "reference"
    limits: tuple[float, float] = (0, 1)
    mark: float | None = None
    percent: bool = True


@dataclass(frozen=True)
class Curves:
    """Measures at a few places (photos, depths), each with its interval.

    Attributes:
        places: Names along the axis.
        series: A measure per place, of each side.
        along: What the places are.
        percent: Whether the values are shares.
        limits: Of the values; by default 0 to 100 % for shares, otherwise what there is.
        reference: What the reference is.
    """

    places: Sequence[str]
    series: Sequence[tuple[Side, Sequence[Measured | None]]]
    along: str
    percent: bool = True
    limits: tuple[float, float] | None = None
    reference: str = "reference"


@dataclass(frozen=True)
class Bars:
    """Shares by name, largest first: of the model after, and thin below each of the reference, if there is one."""

    after: Mapping[str, float]
    reference: Mapping[str, float]


@dataclass(frozen=True)
class Histogram:
    """How similar pairs of photos are: of the person, of one stranger, of two different people.

    Attributes:
        edges: Of the bins.
        side: Which model.
        own: Pairs of the person by bin.
        strangers: Pairs of one stranger by bin.
        impostors: Pairs of two people by bin.
        threshold: Cosine from which a pair is accepted.
    """

    edges: Sequence[float]
    side: Side
    own: Sequence[float]
    strangers: Sequence[float]
    impostors: Sequence[float]
    threshold: float | None


@dataclass(frozen=True)
class Cloud:
    """Points ``(N, 2)`` of a map that belong together.

    Attributes:
        words: Whose they are.
        points: Where they are.
        group: As in :class:`~faceforget.audit.view.Groups`; each has its mark.
    """

    words: str
    points: ArrayLike
    group: str


@dataclass(frozen=True)
class ScatterChart:
    """Points in a plane without units; the first cloud lies lowest.

    Attributes:
        side: Which model.
        clouds: What to draw.
        limits: Of both axes, the same for all maps that are compared.
    """

    side: Side
    clouds: Sequence[Cloud]
    limits: tuple[tuple[float, float], tuple[float, float]]


@dataclass(frozen=True)
class Course:
    """Shares after so many steps.

    Attributes:
        series: Steps and share, of each side.
        mark: The share that is aimed at.
        reference: What the reference is.
    """

    series: Sequence[tuple[Side, Sequence[tuple[int, float]]]]
    mark: float
    reference: str = "reference"


Plot = Ranges | Curves | Bars | Histogram | ScatterChart | Course


@dataclass(frozen=True)
class Chart:
    """A plot and, in words, what it shows."""

    plot: Plot
    words: str


@dataclass(frozen=True)
class PicturePair:
    """Two pictures of one face, before and after, and whose it is."""

    before: RGB
    after: RGB
    words: str


@dataclass(frozen=True)
class Pictures:
    """Pairs of pictures below a heading; ``named``: whether each says whose it is."""

    title: str
    pairs: Sequence[PicturePair]
    named: bool = True


@dataclass(frozen=True)
class Table:
    """Text in rows below a head; the first column says what a row is about. Relative widths are for print."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[float, ...] = ()


@dataclass(frozen=True)
class Number:
    """One number of the first screen, before and after."""

    what: str
    before: str
    after: str


@dataclass(frozen=True)
class Section:
    """One question.

    Attributes:
        title: The question.
        sentence: The answer in plain words, made from its numbers.
        charts: Plots.
        pictures: Pictures of faces.
        missing: Why something could not be measured.
        method: How it was measured, with its source.
        basis: Number of photos, and what the intervals are.
        reference: What stands beside the numbers.
        tables: All numbers.
        view: Its own view in the app, by name; empty where it stands among every question.
    """

    title: str
    sentence: str
    charts: tuple[Chart, ...] = ()
    pictures: tuple[Pictures, ...] = ()
    missing: tuple[str, ...] = ()
    method: str = ""
    basis: str = ""
    reference: str = ""
    tables: tuple[Table, ...] = ()
    view: str = ""


@dataclass(frozen=True)
class Glance:
    """Pictures that the app shows at once, before any chart is drawn.

    Attributes:
        view: Name of their view.
        note: What they show.
        pictures: Pairs of pictures.
        what: What each picture is.
        scale: What their colours mean: the lower end in words, a ramp, the upper end.
    """

    view: str
    note: str
    pictures: tuple[Pictures, ...]
    what: str
    scale: tuple[str, RGB, str]
