import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from facenet_pytorch import MTCNN

from faceforget.people.conditions import sample_conditions
from faceforget.people.dataset import photo_seed, render_people
from faceforget.people.names import invent_names
from faceforget.people.population import CELLS, cell_of, sample_identity
from faceforget.people.render.raster import grid_triangles, rasterise
from faceforget.people.render.scene import make_person, render

SHARED = Path(__file__).parents[2].parent / "shared" / "weights" / "mobilefacenet_ms1m.safetensors"
WEIGHTS = Path(os.environ.get("FACEFORGET_WEIGHTS", SHARED))


def test_the_same_seeds_give_the_same_bits():
    first = render(sample_identity(3), sample_conditions(5), 96)
    make_person.cache_clear()
    assert np.array_equal(first, render(sample_identity(3), sample_conditions(5), 96))


def test_other_people_and_other_conditions_change_the_photo():
    photo = render(sample_identity(3), sample_conditions(5), 64)
    assert not np.array_equal(photo, render(sample_identity(4), sample_conditions(5), 64))
    assert not np.array_equal(photo, render(sample_identity(3), sample_conditions(6), 64))


@pytest.mark.parametrize("size", [32, 65, 128])
def test_photos_are_square_rgb(size):
    photo = render(sample_identity(0), sample_conditions(0), size)
    assert photo.shape == (size, size, 3)
    assert photo.dtype == np.uint8


@pytest.mark.parametrize("seed", range(12))
def test_a_photo_is_neither_black_nor_blown_out(seed):
    photo = render(sample_identity(seed), sample_conditions(seed), 64)
    assert 15 < photo[20:44, 20:44].mean() < 245
    assert photo.std() > 10


def test_every_block_of_seeds_visits_every_cell_once():
    for start in (0, CELLS, 7 * CELLS + 11):
        cells = {cell_of(seed) for seed in range(start, start + CELLS)}
        assert len(cells) == CELLS


def test_the_24_embedded_people_are_balanced():
    people = [sample_identity(seed) for seed in range(24)]
    assert sum(person.sex == "male" for person in people) == 12
    tones = np.array([person.skin.tone for person in people])
    ages = np.array([person.age for person in people])
    assert 8 <= (tones < 0.5).sum() <= 16
    assert [int(((ages >= low) & (ages < high)).sum()) for low, high in ((18, 30), (30, 45), (45, 60))] == [6] * 3


def test_women_have_no_beards():
    people = [sample_identity(seed) for seed in range(CELLS)]
    assert all(person.hair.beard == "none" for person in people if person.sex == "female")


def test_identity_and_conditions_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample_identity(0).age = 3
    with pytest.raises(dataclasses.FrozenInstanceError):
        sample_conditions(0).yaw = 3


@pytest.mark.parametrize("draw", [sample_identity, sample_conditions])
def test_a_negative_seed_is_refused(draw):
    with pytest.raises(ValueError, match="got -1"):
        draw(-1)


def test_a_tiny_photo_is_refused():
    with pytest.raises(ValueError, match="at least 32"):
        render(sample_identity(0), sample_conditions(0), 16)


def test_names_are_different_and_stable():
    names = invent_names(200, seed=1)
    assert len(set(names)) == 200
    assert names[:24] == invent_names(24, seed=1)


def test_render_people_writes_a_folder_per_person(tmp_path):
    seen = []
    files = render_people(tmp_path, people=2, photos=2, size=48, seed=9, progress=lambda *at: seen.append(at))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert [file.parent.name + "_0001.jpg" for file in files[::2]] == [file.name for file in files[::2]]
    assert sorted(tmp_path.rglob("*.jpg")) == sorted(files)


def test_the_nearest_of_two_triangles_is_seen():
    points = np.array([[0, 0], [8, 0], [0, 8], [0, 0], [8, 0], [0, 8]], dtype=np.float32)
    depth = np.array([5, 5, 5, 2, 2, 2], dtype=np.float32)
    seen = rasterise(points, depth, np.array([[0, 1, 2], [3, 4, 5]]).T, 8)
    assert seen.vertices.min() == 3
    expected = sum(x + y + 1 <= 8 for x in range(8) for y in range(8))
    assert len(seen.pixels) == expected


def test_a_grid_leaves_no_cracks_and_interpolates_linearly():
    rows, columns, size = 9, 7, 20
    y, x = np.meshgrid(np.linspace(0, size, rows), np.linspace(0, size, columns), indexing="ij")
    points = np.stack([x, y], axis=-1).reshape(-1, 2).astype(np.float32)
    triangles = grid_triangles(rows, columns)
    seen = rasterise(points, np.ones(len(points), np.float32), triangles, size)
    assert len(seen.pixels) == size * size
    centres = np.stack([seen.pixels % size, seen.pixels // size], axis=1) + 0.5
    np.testing.assert_allclose(seen.interpolate(points), centres, atol=1e-3)


def test_triangles_seen_from_behind_are_hidden():
    points = np.array([[0, 0], [8, 0], [0, 8]], dtype=np.float32)
    flipped = np.array([[0], [2], [1]])
    assert len(rasterise(points, np.ones(3, np.float32), flipped, 8).pixels) == 0
    assert len(rasterise(points, np.ones(3, np.float32), flipped, 8, two_sided=True).pixels) > 0


def test_mtcnn_finds_exactly_one_face():
    photos = [render(sample_identity(k), sample_conditions(photo_seed(k, 0))) for k in range(8)]
    _, probabilities = MTCNN(keep_all=True).detect(photos)
    assert all(len(found) == 1 and found[0] >= 0.95 for found in probabilities)


@pytest.mark.real
@pytest.mark.skipif(not WEIGHTS.exists(), reason="needs mobilefacenet_ms1m.safetensors beside the checkout")
def test_a_network_for_real_faces_tells_rendered_people_apart():
    import torch
    from safetensors.torch import load_file
    from torch.nn.functional import normalize

    from faceforget.photos.align import align
    from faceforget.recognizer.mobilefacenet import MobileFaceNet

    photos = [render(sample_identity(p), sample_conditions(photo_seed(p, k))) for p in range(8) for k in range(3)]
    _, _, landmarks = MTCNN(keep_all=True).detect(photos, landmarks=True)
    crops = np.array([align(photo, points[0]) for photo, points in zip(photos, landmarks, strict=True)])
    pixels = torch.from_numpy(crops).permute(0, 3, 1, 2).float() / 255
    pixels = (pixels - torch.tensor([0.485, 0.456, 0.406])[:, None, None]) / torch.tensor([0.229, 0.224, 0.225])[
        :, None, None
    ]
    network = MobileFaceNet().eval()
    network.load_state_dict(load_file(str(WEIGHTS)))
    with torch.inference_mode():
        embeddings = normalize(network(pixels)).numpy()
    similarity = embeddings @ embeddings.T
    owner = np.arange(24) // 3
    same = (owner[:, None] == owner) & ~np.eye(24, dtype=bool)
    assert similarity[same].mean() > similarity[owner[:, None] != owner].mean() + 0.25
