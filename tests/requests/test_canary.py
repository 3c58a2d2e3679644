"""After a request is closed nothing below the operator's folders holds the person's name or a photo of theirs.

The search looks at names of files, at raw bytes and at every picture in every file: models, ledger and its journal,
receipts, cache.
"""

import base64
import contextlib
import io
import multiprocessing
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from faceforget.api.runtime import Runtime
from faceforget.files import sha256_bytes
from faceforget.photos.cache import FaceCache
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE
from faceforget.requests.batch import run_batch
from faceforget.requests.plan import Configuration
from tests.waiting import LONG

PERSON = "Canary_Quillfeather"
# Bits of 64 in which a picture may differ and still be taken for the same one.
NEAR = 4


@pytest.fixture
def canary(work, people, names, recognizer_with):
    """A batch for two people, one of them under a name that occurs nowhere by chance; their faces are cached."""
    work.requests.joinpath(names[0]).rename(work.requests / PERSON)
    for photo in (work.requests / PERSON).iterdir():
        photo.rename(photo.with_name(f"{PERSON}_{photo.name[-8:]}"))
    recognizer_with(work.place.model, {names[0]: PERSON})
    work.cache = FaceCache(work.folder / "cache")
    work.photos = {path.name: path.read_bytes() for path in (work.requests / PERSON).iterdir()}
    paths = sorted((work.requests / PERSON).iterdir())
    found = PhotoIntake(MOBILE.framing, cache=work.cache).read(paths)
    work.crops = [photo.crop for photo in found]
    return work


def run(work, step=lambda name: None, resume=False, **configuration):
    return run_batch(
        work.requests, work.place, work.ledger,
        configuration=Configuration(**configuration), runtime=Runtime(cache=work.cache), step=step, resume=resume,
    )  # fmt: skip


def run_alone(*arguments, **options):
    """In a forked process, which other threads of OpenMP do not survive."""
    torch.set_num_threads(1)
    run(*arguments, **options)


def dhash(image):
    """64 bits that resizing and re-encoding hardly change: is each pixel brighter than its right neighbour?

    https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
    """
    small = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BOX), dtype=np.int16)
    return (small[:, :-1] > small[:, 1:]).ravel()


def images_in(path):
    """Every picture in a file, wherever in it: as such, as base64, as an array of an archive."""
    data = path.read_bytes()
    for text in re.findall(rb"[A-Za-z0-9+/]{400,}={0,2}", data):
        data += base64.b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4))
    starts = [m.start() for m in re.finditer(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|RIFF....WEBP", data, re.DOTALL)]
    for start in starts:
        with contextlib.suppress(OSError, ValueError, SyntaxError):
            image = Image.open(io.BytesIO(data[start:]))
            image.load()
            yield image
    if path.suffix == ".npz":
        with np.load(path) as arrays:
            yield from (Image.fromarray(crop) for crop in arrays["crops"])


def lookalikes(work):
    """``file: picture`` for everything that looks like a photo of the person, or like a face cut out of one."""
    wanted = [Image.open(io.BytesIO(data)) for data in work.photos.values()]
    hashes = [dhash(image) for image in (*wanted, *map(Image.fromarray, work.crops))]
    found = []
    for path in filter(Path.is_file, work.folder.rglob("*")):
        for image in images_in(path):
            near = min(int((dhash(image) != other).sum()) for other in hashes)
            found += [f"{path}: a picture, {near} of 64 bits away"] * (near <= NEAR)
    return found


def traces(work):
    """``file: what`` for everything of the person that is found."""
    words = {PERSON, PERSON.replace("_", " "), PERSON.casefold(), PERSON.replace("_", " ").casefold()}
    needles = {word.encode(): "name" for word in words}
    needles |= {base64.b64encode(PERSON.encode()).rstrip(b"=")[:-1]: "name in base64"}
    needles |= {word.encode("utf-16-le"): "name in UTF-16" for word in words}
    for name, data in work.photos.items():
        middle = len(data) // 2
        needles[data[middle : middle + 48]] = f"photo {name}"
        needles |= {base64.b64encode(data[middle + k : middle + k + 48])[4:-4]: f"photo {name}" for k in range(3)}
        needles[sha256_bytes(data).encode()] = f"hash of {name}"
        needles[bytes.fromhex(sha256_bytes(data))] = f"hash of {name}"
    needles |= {np.ascontiguousarray(crop)[56].tobytes(): "a row of a face" for crop in work.crops}
    found = []
    for path in work.folder.rglob("*"):
        found += [f"{path}: in its name"] * (PERSON.casefold() in path.name.casefold())
        found += [f"{path}: in its name" for name in work.photos if sha256_bytes(work.photos[name]) in path.name]
        data = path.read_bytes() if path.is_file() else b""
        found += [f"{path}: {what}" for needle, what in needles.items() if needle in data]
    return found + lookalikes(work)


def test_the_search_finds_what_is_there(canary):
    found = " ".join(traces(canary))
    for what in ("team.safetensors: name", "photo", "in its name"):
        assert what in found
    assert any("cache" in trace for trace in traces(canary))


@pytest.mark.parametrize("form", ["smaller.jpg", "larger.png", "inside.html", "worse.webp"])
def test_the_search_knows_a_photo_in_another_size_and_format(canary, form):
    photo = Image.open(io.BytesIO(next(iter(canary.photos.values()))))
    name, kind = form.split(".")
    side, data = {"smaller": 96, "larger": 300}.get(name, 128), io.BytesIO()
    encoder = "JPEG" if kind in ("jpg", "html") else kind.upper()
    photo.resize((side, side)).save(data, encoder, quality=60)
    place = canary.folder / "elsewhere" / form
    place.parent.mkdir()
    page = b"<img src='data:image/jpeg;base64," + base64.b64encode(data.getvalue()) + b"'>"
    place.write_bytes(page if kind == "html" else data.getvalue())
    assert [trace for trace in lookalikes(canary) if trace.startswith(str(place))]


def test_nothing_is_left_if_the_operator_wants_photos_and_old_model_gone(canary):
    result = run(canary, delete_photos=True, delete_model=True)
    assert result.all_erased
    assert traces(canary) == []
    assert not canary.place.model.exists()


def test_otherwise_only_what_the_receipt_calls_kept(canary):
    run(canary)
    left = {trace.rsplit(": ", 1)[0] for trace in traces(canary)}
    assert left <= {str(canary.place.model), *map(str, canary.requests.rglob("*"))}


def test_who_could_not_be_erased_leaves_nothing_in_books_and_results(canary):
    for photo in (canary.requests / PERSON).iterdir():
        photo.write_bytes(b"not a photo")
    assert [outcome.erased for outcome in run(canary).outcomes] == [True, False]
    places = str(canary.ledger.parent), str(canary.out)
    left = [trace for trace in traces(canary) if trace.startswith(places)]
    assert left == [f"{canary.place.live}: name"]  # the model, from which they were not erased


@pytest.mark.parametrize("moment", ["planned", "live", "copies", "purged", "destroyed", "receipt"])
def test_nothing_is_left_after_a_kill_either(canary, moment):
    def die(step):
        if step == moment:
            os.kill(os.getpid(), signal.SIGKILL)

    options = {"delete_photos": True, "delete_model": True}
    process = multiprocessing.get_context("fork").Process(target=run_alone, args=(canary, die), kwargs=options)
    process.start()
    process.join(LONG)
    assert process.exitcode == -signal.SIGKILL
    assert run(canary, resume=True, **options).all_erased
    assert traces(canary) == []
