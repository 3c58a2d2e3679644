"""Hair as a shell over the cranium whose columns run the way the strands fall."""

from dataclasses import dataclass

import cv2
import numpy as np

from faceforget.people.identity import HairStyle, Identity
from faceforget.people.render import texture
from faceforget.people.render.curves import smoothstep, spline
from faceforget.people.render.head import dome_rows
from faceforget.people.render.raster import Floats, Ints, grid_triangles

ROWS, COLUMNS = 44, 111
_BUN_ROWS, _BUN_COLUMNS = 14, 22
_SWEPT: tuple[HairStyle, ...] = ("short", "bob", "long", "waves")
_STRANDS = (160, 1400)


@dataclass(frozen=True)
class _Style:
    """A cut.

    Attributes:
        ends: ``(degrees from the front, height)`` where the hair stops; rises with a high hairline.
        top: Thickness on the crown, cm.
        side: Thickness at the ears.
        edge: Thickness where it ends in front.
        curl: 0 straight to 1 tight: how grainy and uneven the shell is.
        sparse: Share of scalp that shines through.
    """

    ends: tuple[tuple[float, float], ...]
    top: float
    side: float
    edge: float
    curl: float = 0.0
    sparse: float = 0.0


_SHORT_BACK = ((58, 3.6), (66, 0.6), (76, -1.6), (86, 0.8), (100, 0.9), (116, -1.5), (140, -5.6), (180, -6.6))
_FRONT = ((0, 7.2), (25, 7.3), (46, 6.4))
_STYLES: dict[HairStyle, _Style] = {
    "ring": _Style(_FRONT + _SHORT_BACK, 0.05, 0.35, 0.05, 0.1, 0.25),
    "buzz": _Style(_FRONT + _SHORT_BACK, 0.16, 0.14, 0.08, 0.5, 0.2),
    "short": _Style(_FRONT + _SHORT_BACK, 1.0, 0.4, 0.25, 0.1),
    "quiff": _Style(_FRONT + _SHORT_BACK, 2.0, 0.3, 1.5, 0.12),
    "fringe": _Style(((0, 3.6), (30, 3.5), (48, 3.2), *_SHORT_BACK[1:]), 1.0, 0.6, 0.45, 0.05),
    "afro": _Style(_FRONT + _SHORT_BACK, 2.2, 1.6, 0.8, 1.0),
    "curls": _Style(((0, 6.2), (25, 6.0), (46, 5.0), *_SHORT_BACK), 1.7, 1.2, 0.8, 0.8),
    "bob": _Style((*_FRONT, (55, 3.0), (62, -2.0), (68, -8.2), (110, -9.0), (180, -9.0)), 1.0, 1.3, 0.3),
    "long": _Style((*_FRONT, (54, 3.6), (61, -3.0), (67, -17.0), (110, -23.0), (180, -25.0)), 0.9, 1.1, 0.2),
    "waves": _Style((*_FRONT, (54, 3.0), (61, -4.0), (67, -14.0), (110, -17.0), (180, -18.0)), 1.3, 1.8, 0.3, 0.35),
    "bun": _Style(_FRONT + _SHORT_BACK, 0.5, 0.3, 0.12, 0.0),
}


@dataclass(frozen=True)
class HairShell:
    """The hair of one person.

    Attributes:
        points: ``(V, 3)``.
        tangents: ``(V, 3)`` unit directions of the strands.
        normals: ``(V, 3)``.
        canonical: ``(V, 2)`` column and row of :attr:`strands`.
        remaining: ``(V,)`` cm from here to the end of the strand.
        opacity: ``(V,)``.
        triangles: ``(3, T)``.
        strands: ``(H, W, 3)`` brightness, shift of the highlight, raggedness of the ends.
        colour: ``(3,)`` linear.
        curl: From the style.
        sparse: From the style.
    """

    points: Floats
    tangents: Floats
    normals: Floats
    canonical: Floats
    remaining: Floats
    opacity: Floats
    triangles: Ints
    strands: Floats
    colour: Floats
    curl: float
    sparse: float


def build_hair(identity: Identity) -> HairShell | None:
    """The shell of hair, or None for a bald head."""
    if identity.hair.style == "bald":
        return None
    style, rng = _STYLES[identity.hair.style], np.random.default_rng([identity.seed, 505])
    q = np.linspace(-1, 1, COLUMNS)
    angle = np.pi * (0.75 * q + 0.25 * q**3)
    down = np.linspace(0.02, 1, ROWS)[:, None]
    end = (_ends(identity, style, angle) + _ragged(rng, style))[None]
    crown = 3.0 + 8.7 * identity.skull.forehead - 0.02
    y = crown + (end - crown) * down**1.75
    lift = _thickness(identity, style, rng, angle[None], down)
    grid = _around(identity, style, angle[None], y, lift)
    points, canonical, triangles = (
        grid.reshape(-1, 3),
        _strand_places(angle, down),
        grid_triangles(ROWS, COLUMNS),
    )
    normals, tangents = _frames(grid)
    opacity = np.ones(y.size, np.float32)
    if identity.hair.style == "ring":
        opacity = _ring(identity, points)
    remaining = _remaining(grid) * _softness(style, angle)
    if identity.hair.style == "bun":
        bun = _bun(identity)
        normal, tangent = _frames(bun)
        knot = grid_triangles(_BUN_ROWS, _BUN_COLUMNS) + len(points)
        triangles = np.concatenate([triangles, knot], axis=1)
        u, v = np.meshgrid(np.linspace(0, 900, _BUN_COLUMNS), np.linspace(20, 100, _BUN_ROWS))
        canonical = np.concatenate([canonical, np.stack([u, v], axis=-1).reshape(-1, 2)])
        points = np.concatenate([points, bun.reshape(-1, 3)])
        normals, tangents = np.concatenate([normals, normal]), np.concatenate([tangents, tangent])
        opacity = np.concatenate([opacity, np.ones(bun.size // 3)])
        remaining = np.concatenate([remaining, np.full(bun.size // 3, 9.0)])
    return HairShell(
        points=points.astype(np.float32),
        tangents=tangents,
        normals=normals,
        canonical=canonical.astype(np.float32),
        remaining=remaining.astype(np.float32),
        opacity=opacity.astype(np.float32),
        triangles=triangles,
        strands=_strands(identity, style, rng),
        colour=texture.linear_colour(identity.hair.colour),
        curl=style.curl,
        sparse=style.sparse,
    )


def scalp_share(identity: Identity, points: Floats) -> Floats:
    """Where short hair and roots tint the head's skin: ``(V, 3)`` in the head's space to ``(V,)``, 0 to 1."""
    if identity.hair.style == "bald":
        return np.zeros(len(points), np.float32)
    style = _STYLES[identity.hair.style]
    angle = np.arctan2(points[:, 0], points[:, 2])
    end = np.maximum(_ends(identity, style, angle), -6.0)
    share = smoothstep(-0.35, 0.7, points[:, 1] - end) * smoothstep(-8.0, -6.0, points[:, 1])
    if identity.hair.style == "ring":
        share = share * (0.12 + 0.88 * _ring(identity, points))
    return np.asarray(share * (1 - 0.6 * style.sparse), dtype=np.float32)


def _ends(identity: Identity, style: _Style, angle: Floats) -> Floats:
    hair, degrees = identity.hair, np.abs(np.degrees(angle))
    # Hair that hangs frames the face the more, the fuller it is.
    forward = 9 * hair.volume if style.ends[-1][1] < -8 else 0
    end = spline([(float(a), float(h)) for a, h in style.ends], degrees + forward)
    front = smoothstep(60, 40, degrees)
    rise = hair.hairline + 5.0 * (identity.skull.forehead - 1)
    corners = 1.6 * hair.recession * np.exp(-(((degrees - 32) / 14) ** 2)) * front
    end = end + front * (rise if hair.style != "fringe" else 0.4 * hair.hairline) + corners * (hair.style != "fringe")
    if hair.style in ("long", "waves", "bob"):
        end = np.where(end < -4, end * (0.75 + 0.5 * hair.length), end)
    if hair.style in _SWEPT and abs(hair.parting) > 0.35:
        # Combed over the forehead, away from the parting.
        away = -np.sign(hair.parting) * np.degrees(angle)
        end = end - 3.0 * abs(hair.parting) * np.exp(-(((away - 36) / 20) ** 2))
    return np.asarray(end, dtype=np.float32)


def _ragged(rng: np.random.Generator, style: _Style) -> Floats:
    knots = np.arange(0, COLUMNS + 2, 3)
    uneven = np.interp(np.arange(COLUMNS), knots, rng.normal(0, 1, len(knots)))
    return np.asarray(uneven * (0.35 if style.ends[-1][1] < -8 else 0.12), dtype=np.float32)


def _thickness(identity: Identity, style: _Style, rng: np.random.Generator, angle: Floats, down: Floats) -> Floats:
    hair = identity.hair
    side = smoothstep(0.3, 0.7, down) * smoothstep(0.6, 1.2, np.abs(angle))
    lift = style.top * (1 - side) + style.side * side
    front = smoothstep(1.15, 0.7, np.abs(angle))
    lift = lift + front * (style.edge - lift) * smoothstep(0.55, 0.98, down) ** 1.5
    ends = smoothstep(0.8, 1.0, down) * (1 - front)
    lift = lift * (1 - ends * (0.35 if style.ends[-1][1] < -8 else 0.75))
    part = hair.parting * 0.9
    if style.curl < 0.6 and style.top > 0.4:
        # The parting is a valley; the hair stands higher to one side of it.
        lift = lift - 0.28 * style.top * np.exp(-(((angle - part) / 0.1) ** 2)) * smoothstep(0.05, 0.3, down)
        lift = lift * (1 + 0.25 * np.tanh((angle - part) * 2) * np.sign(hair.parting) * front)
    # All strands meet at the crown, so there they are equally high.
    lift = style.top + (lift - style.top) * smoothstep(0.03, 0.35, down)
    grains = texture.noise(rng, (ROWS, COLUMNS), (3.0, 3.0) if style.curl > 0.45 else (6.0, 5.0)) * np.float32(
        0.09 + 0.05 * style.curl
    )
    waves = 0.12 * hair.waviness * np.sin(down * 22 + 3 * np.sin(angle * 4)) * (style.side > 1.0)
    grown = lift * (0.8 + 0.7 * hair.volume)
    return np.asarray(np.maximum(grown * (1 + grains + waves), 0.06), dtype=np.float32)


def _around(identity: Identity, style: _Style, angle: Floats, y: Floats, lift: Floats) -> Floats:
    """Positions ``(ROWS, COLUMNS, 3)`` over the cranium; below it the hair hangs or hugs the nape."""
    height = np.clip((y - 3.0) / (8.7 * identity.skull.forehead), 0, 1)
    elevation = np.arcsin(height**1.2)
    _, width, front, back = dome_rows(identity, elevation)
    hangs = style.ends[-1][1] < -8
    if not hangs:
        back = np.minimum(back, spline([(-8, 6.3), (-4, 8.4), (0, 9.6), (3, 9.9), (12, 9.9)], y))
    under = smoothstep(2, -12, y)
    width = width + (0.9 * under if hangs else -0.8 * under)
    sine, cosine = np.abs(np.sin(angle)), np.cos(angle)
    depth = np.where(cosine >= 0, front, back)
    power = 2.2
    radius = ((sine / np.maximum(width, 0.02)) ** power + (np.abs(cosine) / np.maximum(depth, 0.02)) ** power) ** (
        -1 / power
    )
    up = lift * np.sin(elevation) ** 1.5
    out = radius + lift * np.cos(elevation * 0.9)
    return np.stack([out * np.sin(angle), y + up, out * np.cos(angle)], axis=-1).astype(np.float32)


def _frames(grid: Floats) -> tuple[Floats, Floats]:
    """Unit normals and strand directions of a grid, each ``(V, 3)``."""
    along = np.gradient(grid, axis=0)
    around = np.gradient(grid, axis=1)
    normal = np.cross(along, around)
    parts = []
    for field in (normal, along):
        flat = field.reshape(-1, 3)
        parts.append((flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)).astype(np.float32))
    return parts[0], parts[1]


def _softness(style: _Style, angle: Floats) -> Floats:
    """How abruptly the hair ends, ``(ROWS * COLUMNS,)``: a hairline fades in, a cut does not."""
    grows = smoothstep(1.25, 0.95, np.abs(angle)) * (style.ends[0][1] > 5)
    return np.tile(1 - (0.5 if style.edge < 0.5 else 0.15) * grows, ROWS)


def _remaining(grid: Floats) -> Floats:
    steps = np.linalg.norm(np.diff(grid, axis=0), axis=2)
    left = np.cumsum(steps[::-1], axis=0)[::-1]
    return np.concatenate([left, np.zeros((1, grid.shape[1]))]).reshape(-1)


def _ring(identity: Identity, points: Floats) -> Floats:
    """Where a balding head still has hair, ``(V,)``."""
    top = 4.2 - 2.2 * identity.hair.length + 0.25 * np.maximum(-points[:, 2], 0)
    return smoothstep(0.6, -0.6, points[:, 1] - top)


def _bun(identity: Identity) -> Floats:
    turn = np.linspace(0, 2 * np.pi, _BUN_COLUMNS)[None]
    fall = np.linspace(0.02, np.pi - 0.02, _BUN_ROWS)[:, None]
    radius = 2.4 + 1.3 * identity.hair.volume
    centre = (0.0, 3.0 + 8.7 * identity.skull.forehead + 1.2 * (identity.hair.length - 0.3), -4.5)
    x = radius * 1.15 * np.sin(fall) * np.sin(turn)
    y, z = radius * np.cos(fall) + 0 * turn, radius * np.sin(fall) * np.cos(turn)
    return np.stack([x + centre[0], y + centre[1], z + centre[2]], axis=-1).astype(np.float32)


def _strand_places(angle: Floats, down: Floats) -> Floats:
    column = (angle[None] / (2 * np.pi) + 0.5) * (_STRANDS[1] - 1) + 0 * down
    row = down * (_STRANDS[0] - 1) + 0 * angle[None]
    return np.stack([column, row], axis=-1).reshape(-1, 2)


def _strands(identity: Identity, style: _Style, rng: np.random.Generator) -> Floats:
    """Brightness of single strands and locks; for curls, of tufts."""
    if style.curl > 0.45:
        fine = texture.noise(rng, _STRANDS, (3.0, 4.0)) * 0.75 + texture.noise(rng, _STRANDS, (8.0, 14.0)) * 0.5
    else:
        fine = texture.noise(rng, _STRANDS, (80.0, 2.2)) * 0.5 + texture.noise(rng, _STRANDS, (50.0, 9.0)) * 0.5
        fine += texture.noise(rng, _STRANDS, (50.0, 40.0)) * 0.3
    if identity.hair.waviness > 0.35 and style.curl <= 0.45:
        rows, columns = np.mgrid[0 : _STRANDS[0], 0 : _STRANDS[1]].astype(np.float32)
        shift = 9 * identity.hair.waviness * np.sin(rows / 9 + 2 * np.sin(columns / 90))
        fine = cv2.remap(fine, columns + shift.astype(np.float32), rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    grey = texture.noise(rng, _STRANDS, (90.0, 2.0)) * np.float32(0.5 * min(identity.hair.grey * 2, 1.0))
    contrast = 0.33 - 0.13 * (style.curl > 0.45)
    value = np.clip(1 + contrast * fine + 0.25 * grey, 0.25, 1.9)
    shift = texture.noise(rng, _STRANDS, (60.0, 5.0)) * 0.1
    ragged = texture.noise(rng, _STRANDS, (200.0, 2.0))
    return np.stack([value, shift, ragged], axis=-1).astype(np.float32)
