"""Who a rendered person is: everything about them that does not change between two photos."""

from dataclasses import dataclass
from typing import Literal

Sex = Literal["female", "male"]
HairStyle = Literal["bald", "ring", "buzz", "short", "quiff", "fringe", "afro", "curls", "bob", "long", "waves", "bun"]
BeardStyle = Literal["none", "stubble", "moustache", "goatee", "full"]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Skull:
    """Proportions of the head; 1 or 0 is the mean. Lengths in cm where not a ratio."""

    cheek_width: float
    temple_width: float
    jaw_width: float
    jaw_square: float
    chin_width: float
    chin_forward: float
    lower_face: float
    forehead: float
    forehead_slope: float
    brow_ridge: float
    cheekbone: float
    fullness: float
    neck_width: float
    ear_size: float
    ear_out: float
    lopsided: float


@dataclass(frozen=True)
class Eyes:
    """Eyes; lengths in cm, tilt as rise of the outer corner over the half width."""

    spacing: float
    height: float
    half_width: float
    upper: float
    lower: float
    tilt: float
    peak: float
    depth: float
    crease: float
    fold: float
    bags: float
    iris: Colour
    iris_radius: float
    liner: float


@dataclass(frozen=True)
class Brows:
    """Eyebrows; lengths in cm."""

    height: float
    inner: float
    outer: float
    thickness: float
    arch: float
    slant: float
    density: float
    darkness: float


@dataclass(frozen=True)
class Nose:
    """Nose; lengths in cm."""

    length: float
    bridge_height: float
    bridge_width: float
    tip_forward: float
    tip_width: float
    tip_turn: float
    wing_width: float
    wing_size: float
    hump: float
    bend: float


@dataclass(frozen=True)
class Mouth:
    """Mouth; lengths in cm."""

    height: float
    half_width: float
    upper: float
    lower: float
    bow: float
    curve: float
    forward: float
    redness: float
    paint: float
    philtrum: float


@dataclass(frozen=True)
class Skin:
    """Skin; amounts from 0 to 1 where not said."""

    tone: float
    undertone: float
    redness: float
    freckles: float
    moles: int
    mottling: float
    wrinkles: float
    folds: float
    shine: float
    sockets: float
    scar: float


@dataclass(frozen=True)
class Hair:
    """Hair of the head and face."""

    style: HairStyle
    colour: Colour
    grey: float
    length: float
    volume: float
    hairline: float
    recession: float
    parting: float
    waviness: float
    beard: BeardStyle
    beard_length: float


@dataclass(frozen=True)
class Glasses:
    """Spectacle frames; lengths in cm."""

    half_width: float
    half_height: float
    roundness: float
    thickness: float
    colour: Colour


@dataclass(frozen=True)
class Identity:
    """One person who does not exist.

    Attributes:
        seed: Seeds the placement of hairs, moles, freckles and wrinkles.
        age: Years.
        glasses: Always worn, or never: the frames are part of how a person is known.
    """

    seed: int
    sex: Sex
    age: float
    skull: Skull
    eyes: Eyes
    brows: Brows
    nose: Nose
    mouth: Mouth
    skin: Skin
    hair: Hair
    glasses: Glasses | None
