"""Put a person, a light, a background and a camera together."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from faceforget.people.conditions import Conditions
from faceforget.people.identity import Identity
from faceforget.people.render import clothing, curves, light, openings, spectacles, texture
from faceforget.people.render.background import paint_background
from faceforget.people.render.camera import Camera, make_camera
from faceforget.people.render.expression import express
from faceforget.people.render.hair import HairShell, build_hair, scalp_share
from faceforget.people.render.head import COLUMNS, ROWS, Head, build_head
from faceforget.people.render.raster import Floats, Fragments, grid_normals, rasterise
from faceforget.people.render.sensor import develop
from faceforget.people.render.skin import SkinMaps, paint_skin

_SUPERSAMPLE = 2
_NOTHING = -60.0


@dataclass(frozen=True)
class Person:
    """What all photos of one person share."""

    identity: Identity
    head: Head
    skin: SkinMaps
    hair: HairShell | None
    scalp: Floats


@dataclass(frozen=True)
class _Layer:
    """One rasterised mesh: its fragments, and attributes ``(P, K)`` at them."""

    seen: Fragments
    values: Floats


@lru_cache(maxsize=2)
def make_person(identity: Identity) -> Person:
    """Model a person; the last two are kept, because photos are taken one person at a time."""
    head = build_head(identity)
    scalp = scalp_share(identity, head.points)
    scalp[head.ear_from :] = 0
    return Person(identity, head, paint_skin(identity), build_hair(identity), scalp)


def render(identity: Identity, conditions: Conditions, size: int = 224) -> NDArray[np.uint8]:
    """Take one photo of one person.

    Args:
        identity: Who.
        conditions: How.
        size: Side of the photo in pixels.

    Returns:
        ``(size, size, 3)`` RGB; the same for the same arguments.

    Raises:
        ValueError: If ``size`` is below 32.
    """
    if size < 32:
        raise ValueError(f"expected a size of at least 32 pixels, got {size}")
    person, side = make_person(identity), size * _SUPERSAMPLE
    camera = make_camera(conditions, side)
    head = _head_layer(person, conditions, camera, side)
    hair = _hair_layer(person, camera, side)
    height = np.full(side * side, _NOTHING, np.float32)
    height[head.seen.pixels] = head.values[:, 6]
    skin_height = height.copy()
    if hair is not None:
        covered = hair.seen.pixels
        height[covered] = np.maximum(height[covered], hair.values[:, 6])
    shadow, contact = _shadows(height.reshape(side, side), conditions, camera)
    image = paint_background(conditions, side).reshape(-1, 3)
    skin = _shade_skin(person, conditions, camera, head, shadow, contact)
    image[head.seen.pixels] = skin
    face = float(skin[head.values[:, 8] > curves.chin_y(identity)].mean())
    if hair is not None and person.hair is not None:
        _shade_hair(person.hair, conditions, hair, skin_height, shadow, image)
    picture = image.reshape(side, side, 3)
    spectacles.draw(identity, conditions, camera, person.head.eye_depth, picture, height.reshape(side, side))
    return develop(conditions, picture, face, size)


def _head_layer(person: Person, conditions: Conditions, camera: Camera, side: int) -> _Layer:
    """Attributes: normal 0-2, position 3-6 (z at 5 and 6), canonical 7-8, occlusion 9, scalp 10."""
    head = person.head
    points = express(person.identity, conditions, head.points, head.canonical)
    normals = [grid_normals(points[: head.ear_from], ROWS, COLUMNS)]
    count = head.ear_grid[0] * head.ear_grid[1]
    for k, sign in enumerate((1.0, -1.0)):
        start = head.ear_from + k * count
        normals.append(np.float32(sign) * grid_normals(points[start : start + count], *head.ear_grid))
    spots, turned = camera.place(points, (np.concatenate(normals),))
    pixels, depth = camera.project(spots)
    seen = rasterise(pixels, depth, head.triangles, side)
    table = np.concatenate(
        [turned, spots, spots[:, 2:], head.canonical, *_columns(head.occlusion, person.scalp)], axis=1
    )
    return _Layer(seen, seen.interpolate(table.astype(np.float32)))


def _hair_layer(person: Person, camera: Camera, side: int) -> _Layer | None:
    """Attributes: normal 0-2, tangent 3-5, z 6, canonical 7-8, opacity 9, remaining 10."""
    hair = person.hair
    if hair is None:
        return None
    spots, normals, tangents = camera.place(hair.points, (hair.normals, hair.tangents))
    pixels, depth = camera.project(spots)
    seen = rasterise(pixels, depth, hair.triangles, side, two_sided=True)
    table = np.concatenate(
        [normals, tangents, spots[:, 2:], hair.canonical, *_columns(hair.opacity, hair.remaining)], axis=1
    )
    return _Layer(seen, seen.interpolate(table.astype(np.float32)))


def _columns(*values: Floats) -> list[Floats]:
    return [v[:, None] for v in values]


def _shadows(height: Floats, conditions: Conditions, camera: Camera) -> tuple[Floats, Floats]:
    """Key light share and contact darkening, flat, worked out at half resolution."""
    side = height.shape[0]
    small = np.ascontiguousarray(height[::2, ::2])
    parts = (light.cast_shadows(small, conditions, camera.scale / 2), light.contact(small, camera.scale / 2))
    large = [
        np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.float32).reshape(-1)
        for part in parts
    ]
    return large[0], large[1]


def _shade_skin(
    person: Person, conditions: Conditions, camera: Camera, layer: _Layer, shadow: Floats, contact: Floats
) -> Floats:
    values, pixels = layer.values, layer.seen.pixels
    canonical = np.ascontiguousarray(values[:, 7:9])
    columns, rows = texture.to_texels(canonical)
    albedo = texture.lookup(person.skin.albedo, columns, rows)
    detail = texture.lookup(person.skin.detail, columns, rows)
    gloss = detail[:, 0].copy()
    roots = 0.85 * values[:, 10:11]
    albedo += roots * (0.55 * texture.linear_colour(person.identity.hair.colour) - albedo)
    gloss *= 1 - roots[:, 0]
    clothing.clothe(conditions, curves.chin_y(person.identity), canonical, values[:, 3:6], albedo, gloss)
    # The relief's slope tips the normal along the head's own right and up.
    tip = detail[:, 1:2] * camera.head[:, 0] + detail[:, 2:3] * camera.head[:, 1]
    normals = values[:, :3] - tip
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    open_share = np.clip(values[:, 9], 0, 1) * contact[pixels]
    colour = light.skin_light(conditions, normals, albedo, gloss, open_share, shadow[pixels])
    openings.paint_eyes(person.identity, conditions, canonical, camera.head, colour, open_share, shadow[pixels])
    openings.paint_mouth(person.identity, conditions, canonical, colour, open_share)
    return colour


def _shade_hair(
    hair: HairShell, conditions: Conditions, layer: _Layer, skin_height: Floats, shadow: Floats, image: Floats
) -> None:
    """Shade the hair in front of the skin and blend it in, in place."""
    front = layer.values[:, 6] > skin_height[layer.seen.pixels]
    values, pixels = layer.values[front], layer.seen.pixels[front]
    strands = texture.lookup(hair.strands, np.ascontiguousarray(values[:, 7:8]), np.ascontiguousarray(values[:, 8:9]))
    # The inside of the shell, seen at the temples and under long hair, is hair in its own shade.
    within = values[:, 2] < 0
    normals = values[:, :3] * np.where(within, -1, 1)[:, None]
    normals = normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-6)
    tangents = values[:, 3:6]
    tangents = tangents / np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-6)
    colour = hair.colour * strands[:, :1]
    lit = light.hair_light(conditions, normals, tangents, colour, strands[:, 1], shadow[pixels], 1.0 - 0.7 * hair.curl)
    lit *= np.where(within, 0.3, 1)[:, None]
    ends = np.clip((values[:, 10] - 0.1) / 0.55 + 0.35 * strands[:, 2], 0, 1)
    # Against the background a fading shell would show a hole where there is more hair behind.
    ends = np.where(skin_height[pixels] > _NOTHING, ends, 1)
    scalp = np.clip(1 - hair.sparse * (1.6 - strands[:, 0]), 0, 1)
    opacity = (np.clip(values[:, 9], 0, 1) * ends * scalp)[:, None]
    image[pixels] = image[pixels] * (1 - opacity) + lit * opacity
