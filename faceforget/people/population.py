"""Draw people who do not exist.

The distribution, over consecutive seeds: every 64 seeds visit each of 2 sexes x 4 age bands
(18-30, 30-45, 45-60, 60-78) x 8 skin tones exactly once, in a scrambled order. Within a cell,
shapes are drawn wide and flat (uniform rather than bell shaped), because people who are all near
the mean are hard to tell apart. Shapes do not follow from the skin tone, apart from the eye
and hair colours that come with little melanin and the tighter curls that are commoner with much.
"""

import numpy as np

from faceforget.people.identity import (
    BeardStyle,
    Brows,
    Eyes,
    Glasses,
    Hair,
    HairStyle,
    Identity,
    Mouth,
    Nose,
    Sex,
    Skin,
    Skull,
)

AGE_BANDS = ((18, 30), (30, 45), (45, 60), (60, 78))
SKIN_TONES = 8
CELLS = 2 * len(AGE_BANDS) * SKIN_TONES

_FEMALE_STYLES: tuple[HairStyle, ...] = ("long", "waves", "bob", "bun", "fringe", "curls", "short")
_MALE_STYLES: tuple[HairStyle, ...] = ("short", "quiff", "buzz", "fringe", "curls", "bald", "ring")
_BEARDS: tuple[BeardStyle, ...] = ("none", "none", "none", "stubble", "moustache", "goatee", "full")
# Hair colours as sRGB: black, dark brown, brown, auburn, red, dark blond, blond.
_HAIR_COLOURS = np.array(
    [
        (0.06, 0.05, 0.05),
        (0.14, 0.09, 0.07),
        (0.27, 0.17, 0.10),
        (0.38, 0.17, 0.09),
        (0.58, 0.27, 0.11),
        (0.52, 0.40, 0.24),
        (0.78, 0.62, 0.38),
    ]
)
_GREY = np.array((0.72, 0.71, 0.70))
# Iris colours as sRGB: brown, dark brown, hazel, green, blue, grey.
_IRIS_COLOURS = np.array(
    [
        (0.30, 0.17, 0.08),
        (0.16, 0.09, 0.05),
        (0.42, 0.31, 0.14),
        (0.33, 0.40, 0.22),
        (0.28, 0.44, 0.62),
        (0.45, 0.50, 0.55),
    ]
)


class _Draw:
    """Shorthand over a generator: values spread flat between bounds."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def span(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def index(self, weights: list[float]) -> int:
        share = np.asarray(weights, dtype=np.float64)
        return int(self.rng.choice(len(share), p=share / share.sum()))


def cell_of(seed: int) -> tuple[Sex, int, int]:
    """Sex, age band and skin tone band of a seed; see the module's text."""
    cell = (seed * 37 + 5) % CELLS
    sex: Sex = "male" if cell % 2 else "female"
    return sex, (cell // 2) % 4, (cell // 8) % SKIN_TONES


def sample_identity(seed: int) -> Identity:
    """Draw a person; the same seed gives the same person.

    Raises:
        ValueError: If the seed is negative.
    """
    if seed < 0:
        raise ValueError(f"expected a seed of 0 or more, got {seed}; pass a non-negative integer")
    sex, band, tone_band = cell_of(seed)
    draw = _Draw(np.random.default_rng([seed, 101]))
    age = draw.span(*AGE_BANDS[band])
    tone = (tone_band + draw.span(0.05, 0.95)) / SKIN_TONES
    male = 1.0 if sex == "male" else 0.0
    eyes = _eyes(draw, male, age, tone)
    return Identity(
        seed=seed,
        sex=sex,
        age=age,
        skull=_skull(draw, male, age),
        eyes=eyes,
        brows=_brows(draw, male),
        nose=_nose(draw, male),
        mouth=_mouth(draw, male, age),
        skin=_skin(draw, male, age, tone),
        hair=_hair(draw, sex, age, tone),
        glasses=_glasses(draw) if draw.chance(0.18 + 0.004 * max(age - 40, 0)) else None,
    )


def _skull(draw: _Draw, male: float, age: float) -> Skull:
    return Skull(
        cheek_width=draw.span(0.88, 1.1) + 0.02 * male,
        temple_width=draw.span(0.93, 1.05),
        jaw_width=draw.span(0.78, 0.97) + 0.09 * male,
        jaw_square=draw.span(1.45, 1.85) + 0.2 * male,
        chin_width=draw.span(0.65, 1.35) + 0.2 * male,
        chin_forward=draw.span(-0.5, 0.6) + 0.1 * male,
        lower_face=draw.span(0.84, 1.02) + 0.08 * male,
        forehead=draw.span(0.86, 1.14),
        forehead_slope=draw.span(-0.5, 0.7) + 0.3 * male,
        brow_ridge=draw.span(0.0, 0.25) + 0.45 * male * draw.span(0.3, 1.0),
        cheekbone=draw.span(-0.2, 0.9),
        fullness=draw.span(-0.9, 1.1),
        neck_width=draw.span(0.76, 0.9) + 0.2 * male,
        ear_size=draw.span(0.85, 1.2) + 0.002 * max(age - 40, 0),
        ear_out=draw.span(0.15, 0.6),
        lopsided=draw.span(0.3, 1.0),
    )


def _eyes(draw: _Draw, male: float, age: float, tone: float) -> Eyes:
    weights = [1.0, 1.0, 0.8, 0.5, 1.0, 0.6] if tone < 0.4 else [1.0, 1.2, 0.25 if tone < 0.7 else 0.0, 0, 0, 0]
    iris = _IRIS_COLOURS[draw.index(weights)] * draw.span(0.8, 1.2)
    old = max(age - 45, 0) / 33
    return Eyes(
        spacing=draw.span(2.75, 3.68),
        height=draw.span(-0.4, 0.4),
        half_width=draw.span(1.2, 1.74),
        upper=draw.span(0.4, 0.74) - 0.07 * male - 0.08 * old,
        lower=draw.span(0.22, 0.44),
        tilt=draw.span(-0.24, 0.32) - 0.06 * old,
        peak=draw.span(-0.3, 0.3),
        depth=draw.span(-0.45, 0.55),
        crease=draw.span(0.15, 0.6),
        fold=draw.span(0.5, 1.0) if draw.chance(0.25) else draw.span(0.0, 0.2),
        bags=draw.span(0.0, 0.4) + 0.6 * old,
        iris=(float(iris[0]), float(iris[1]), float(iris[2])),
        iris_radius=draw.span(0.54, 0.64),
        liner=draw.span(0.2, 1.0) * (1 - male) * draw.chance(0.6),
    )


def _brows(draw: _Draw, male: float) -> Brows:
    return Brows(
        height=draw.span(1.65, 2.5) - 0.25 * male,
        inner=draw.span(0.85, 1.8) - 0.2 * male,
        outer=draw.span(4.3, 5.3),
        thickness=draw.span(0.14, 0.55) + 0.2 * male,
        arch=draw.span(-0.1, 0.75) - 0.1 * male,
        slant=draw.span(-0.35, 0.6),
        density=draw.span(0.35, 1.0),
        darkness=draw.span(0.6, 1.0),
    )


def _nose(draw: _Draw, male: float) -> Nose:
    return Nose(
        length=draw.span(3.75, 4.85) + 0.4 * male,
        bridge_height=draw.span(-0.5, 0.85) + 0.15 * male,
        bridge_width=draw.span(0.5, 1.2),
        tip_forward=draw.span(-0.6, 0.5) + 0.3 * male,
        tip_width=draw.span(0.5, 1.2),
        tip_turn=draw.span(-0.35, 0.45),
        wing_width=draw.span(1.1, 2.1) + 0.15 * male,
        wing_size=draw.span(0.5, 1.45),
        hump=draw.span(-0.25, 0.45),
        bend=draw.span(-0.22, 0.22),
    )


def _mouth(draw: _Draw, male: float, age: float) -> Mouth:
    thin = 1 - 0.35 * max(age - 40, 0) / 38
    return Mouth(
        height=draw.span(1.6, 2.75) + 0.1 * male,
        half_width=draw.span(1.9, 3.05) + 0.1 * male,
        upper=(draw.span(0.3, 1.1) - 0.12 * male) * thin,
        lower=(draw.span(0.45, 1.35) - 0.12 * male) * thin,
        bow=draw.span(0.0, 1.0),
        curve=draw.span(-0.18, 0.35),
        forward=draw.span(-0.35, 0.5),
        redness=draw.span(0.15, 0.8),
        paint=draw.span(0.3, 1.0) * (1 - male) * draw.chance(0.45),
        philtrum=draw.span(0.2, 1.0),
    )


def _skin(draw: _Draw, male: float, age: float, tone: float) -> Skin:
    old = max(age - 30, 0) / 48
    return Skin(
        tone=tone,
        undertone=draw.span(-1.0, 1.0),
        redness=draw.span(0.1, 1.0) * (1 - 0.6 * tone),
        freckles=draw.span(0.3, 1.0) if draw.chance(0.35) and tone < 0.55 else 0.0,
        moles=int(draw.rng.integers(0, 7)),
        mottling=draw.span(0.2, 0.6) + 0.5 * old,
        wrinkles=min(old * draw.span(0.8, 1.35), 1.2),
        folds=draw.span(0.1, 0.45) + 0.8 * old,
        shine=draw.span(0.3, 1.0),
        sockets=draw.span(0.0, 0.8),
        scar=draw.span(0.4, 1.0) if draw.chance(0.12) else 0.0,
    )


def _hair(draw: _Draw, sex: Sex, age: float, tone: float) -> Hair:
    styles = _MALE_STYLES if sex == "male" else _FEMALE_STYLES
    weights = [1.0] * len(styles)
    if sex == "male":
        weights[5:] = [0.15 + 0.012 * (age - 18), 0.02 * max(age - 38, 0)]
    style = styles[draw.index(weights)]
    if style in ("curls", "fringe", "waves") and tone > 0.7:
        style = "afro"
    dark = [1.0, 1.0, 1.0, 0.5, 0.35, 0.8, 0.8] if tone < 0.4 else [2.0, 1.0, 0.3 if tone < 0.7 else 0, 0, 0, 0, 0]
    colour = _HAIR_COLOURS[draw.index(dark)] * draw.span(0.85, 1.2)
    grey = float(np.clip((age - draw.span(35, 62)) / 20, 0, 0.95)) * (1.0 if sex == "male" else 0.8)
    colour = colour * (1 - grey) + _GREY * draw.span(0.8, 1.1) * grey
    beard = _BEARDS[draw.index([1.0] * len(_BEARDS))] if sex == "male" else "none"
    return Hair(
        style=style,
        colour=(float(colour[0]), float(colour[1]), float(colour[2])),
        grey=grey,
        length=draw.span(0.0, 1.0),
        volume=draw.span(0.0, 1.0),
        hairline=draw.span(-1.2, 0.4),
        recession=draw.span(0.0, 0.5) + (0.02 * max(age - 30, 0) if sex == "male" else 0.0),
        parting=draw.span(-1.0, 1.0),
        waviness=draw.span(0.0, 1.0),
        beard=beard,
        beard_length=draw.span(0.2, 1.0),
    )


def _glasses(draw: _Draw) -> Glasses:
    shade = draw.span(0.02, 0.12)
    warm = draw.span(0.0, 0.3) if draw.chance(0.5) else 0.0
    return Glasses(
        half_width=draw.span(2.2, 2.75),
        half_height=draw.span(1.35, 2.1),
        roundness=draw.span(2.0, 5.0),
        thickness=draw.span(0.09, 0.34),
        colour=(shade + warm, shade + 0.45 * warm, shade + 0.15 * warm),
    )
