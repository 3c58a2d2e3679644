"""Hundreds of bad files through every reader: typed errors or success, nothing written elsewhere, little memory.

The files are real ones, changed: rendered photos, a model, lists, a ledger and what is signed. Each reader runs in a
forked process, whose memory is measured and whose every open for writing is seen, so that nothing hides.
"""

import asyncio
import io
import json
import multiprocessing
import os
import random
import resource
import struct
import sys
import traceback
import zipfile
import zlib
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch
from hypothesis import strategies as st
from PIL import Image

from app.uploads import people_in_zip
from faceforget.errors import FaceForgetError
from faceforget.people.faces import read_faces
from faceforget.photos.decode import decode
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.requests.export import export_ledger, read_export
from faceforget.requests.keys import load_key, load_public_key, new_key
from faceforget.requests.ledger import Ledger
from faceforget.requests.open_requests import OpenRequests, PhotoFile, new_request
from faceforget.requests.plan import BatchPlan, Configuration, read_plan, write_plan
from faceforget.requests.receipt import read_receipt, sign_receipt
from faceforget.requests.request_list import hashed, read_requests
from faceforget.serve.receive import receive
from faceforget.serve.settings import Limits

_FORK = multiprocessing.get_context("fork")
# More than the process had when it began: torch and cv2 are half a gigabyte, and one is allowed.
MOST_MEMORY = 2**29
# Its own notes on how tests went.
HYPOTHESIS = Path(__file__).resolve().parents[1] / ".hypothesis"
WRITES = {"os.rename", "os.mkdir", "os.link", "os.symlink", "os.remove", "os.rmdir", "shutil.rmtree"}


# How files are changed


def changed(data, dice):
    """One of many ways in which a file is not as it was written."""
    start, length = dice.randrange(len(data) + 1), dice.choice([1, 2, 4, 16, 256])
    middle = bytes(dice.randrange(256) for _ in range(length))
    return dice.choice(
        [
            lambda: data[:start],
            lambda: data[:start] + data[start + length :],
            lambda: data[:start] + middle + data[start + length :],
            lambda: data[:start] + middle + data[start:],
            lambda: data[:start] + bytes(length) + data[start + length :],
            lambda: data[:start] + b"\xff" * length + data[start + length :],
            lambda: data + data[start:],
            lambda: data[start:] + data[:start],
            lambda: flipped(data, dice, 1),
            lambda: flipped(data, dice, 30),
            lambda: flipped(data[:200], dice, 3) + data[200:],
        ]
    )()


def flipped(data, dice, count):
    data = bytearray(data)
    for _ in range(count if data else 0):
        data[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(data)


def mutants(data, count, seed=0):
    dice = random.Random(seed)
    return [changed(data, dice) for _ in range(count)]


# Files of each kind


@pytest.fixture(scope="module")
def images(photo):
    """A rendered photo in each format."""
    image, made = Image.open(photo).convert("RGB"), {}
    for kind in ("JPEG", "PNG", "WEBP"):
        buffer = io.BytesIO()
        image.save(buffer, kind)
        made[kind] = buffer.getvalue()
    return made


def bombs():
    """Small files that say that they are huge."""
    for width, height in ((50_000, 50_000), (2**31 - 1, 1), (7_100, 7_100), (0, 0), (20_000, 2_400)):
        head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        body = zlib.compress(bytes(2**20))
        chunks = [(b"IHDR", head), (b"IDAT", body), (b"IEND", b"")]
        yield b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            for kind, data in chunks
        )
    frames = io.BytesIO()
    Image.new("RGB", (64, 64)).save(frames, "WEBP", save_all=True, append_images=[Image.new("RGB", (64, 64))] * 50)
    yield frames.getvalue()
    text = io.BytesIO()
    Image.fromarray(np.zeros((64, 64), np.uint16)).save(text, "PNG")
    yield text.getvalue()


def zips(images):
    """A zip with two people, changed, and zips with names that lead elsewhere."""
    members = {"Ada/1.jpg": images["JPEG"], "Ada/2.png": images["PNG"], "Bob/1.webp": images["WEBP"]}
    names = ["../../out.jpg", "/tmp/out.jpg", "Ada/..\\..\\out.jpg", "Ada/\0.jpg", "a/" * 500 + "x.jpg", "Ada/x.zip"]
    return [
        *mutants(zipped(members), 90),
        *(zipped({name: b"x"}) for name in names),
        zipped({"Ada/1.jpg": bytes(2**24)}),
    ]


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def models(recognizer, folder):
    """A model, changed where it says what it is, and headers that lie about sizes."""
    save_recognizer(recognizer, folder / "good.safetensors")
    data = (folder / "good.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    made = [part + data[8 + length :] for part in mutants(data[: 8 + length], 40)]
    made += [data[:cut] for cut in (0, 1, 7, 8, 9, 8 + length, len(data) - 1)] + [data + b"\0"]
    made += [struct.pack("<Q", size) + data[8:] for size in (0, 1, length + 1, 2**31, 2**40, 2**63, 2**64 - 1)]
    header = json.loads(data[8 : 8 + length])
    for key, value in (("shape", [2**40, 2**40]), ("dtype", "F64"), ("data_offsets", [0, 2**60]), ("shape", [-1])):
        lie = json.dumps({**header, "head.weight": {**header["head.weight"], key: value}}).encode()
        made.append(struct.pack("<Q", len(lie)) + lie + data[8 + length :])
    return made


def lists():
    """Lists of requests as CSV and JSON."""
    csv = b'person,photos,check\nAda,ada,check/ada\nBob,bob/1.jpg,\n"C, D",../../etc/passwd,\n'
    asked = [
        {"person": "Ada", "photos": ["a.jpg", "/etc/passwd"], "check": "b.jpg"},
        {"person": "Bob", "photos": "bob"},
    ]
    text = json.dumps({"requests": asked}).encode()
    deep = b"[" * 100_000, b'{"requests":' * 10_000, b'{"requests": [{"person": "\\ud800", "photos": "a\\u0000b"}]}'
    long = json.dumps([{"person": "A", "photos": "x" * 10_000}]).encode()
    wide = b"person,photos\n" + b"A," + b"x" * 200_000 + b"\n", b"person,photos\n" + b"A,x\n" * 20_000
    return {".csv": [*mutants(csv, 60), *wide, b"person,photos\nA,a\0b\n"], ".json": [*mutants(text, 60), *deep, long]}


def books(folder):
    """A ledger, an export, a receipt, keys, a plan and the file of an open request."""
    key = new_key(folder / "key.pem")
    with Ledger(folder / "ledger.db", create=True) as ledger:
        for number in range(20):
            body = {"model": "m" * 64, "configuration": str(number), "text": "x" * 300}
            ledger.append({f"{number:016x}": body}, "planned", 0)
        entries = ledger.entries()
    write_plan(folder, BatchPlan("0" * 64, Configuration(), ("a", "b")))
    request = new_request("Ada", (PhotoFile("/a.jpg", "0" * 64),))
    OpenRequests(folder / "l").put(request)
    return {
        "ledger": (folder / "ledger.db").read_bytes(),
        "export": export_ledger(entries[:5], key),
        "receipt": sign_receipt({"request": "1", "numbers": [1.5, None, True], "text": "ä"}, key),
        "key": (folder / "key.pem").read_bytes(),
        "public": (folder / "key.pem.pub").read_bytes(),
        "plan": (folder / "batch.json").read_bytes(),
        "open": (folder / "l.open" / f"{request.id}.json").read_bytes(),
    }


def body_of(images):
    parts = [("person", b"Ada"), ("promise", b"forgotten"), ("photos", images["JPEG"]), ("check", images["WEBP"])]
    lines = [b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (n.encode(), d) for n, d in parts]
    return b"".join(lines) + b"--b--\r\n"


# How they are read


def written(read, name="file"):
    """A reader of paths as a reader of bytes."""

    def from_bytes(data):
        with open(name, "wb") as file:
            file.write(data)
        return read(name)

    return from_bytes


def read_ledger(data):
    for name in ("ledger.db-wal", "ledger.db-shm"):
        if os.path.exists(name):
            os.remove(name)
    with open("ledger.db", "wb") as file:
        file.write(data)
    with Ledger(Path("ledger.db")) as ledger:
        ledger.verify()


def read_list(name):
    """As a batch does: read, hash, and look for the photos."""
    for asked in read_requests(Path(name)):
        paths = (*asked.photos, *asked.check)
        assert new_request(asked.person, hashed(paths)).subject
        outcomes = PhotoIntake(MOBILE.framing).read([file for file in paths if "passwd" not in str(file)])
        assert all(o.error is not None for o in outcomes)


def read_body(data):
    async def chunks():
        for start in range(0, len(data), 1_000):
            yield data[start : start + 1_000]

    return asyncio.run(receive("multipart/form-data; boundary=b", chunks(), Path("received"), Limits(photo=2**20)))


def read_photos(photos):
    """All the way to faces; a photo's error is in its outcome."""
    outcomes = PhotoIntake(MOBILE.framing).read(photos)
    assert len(outcomes) == len(photos)
    assert all(o.error is None or isinstance(o.error, FaceForgetError) for o in outcomes)
    read_faces({"Ada": photos}, PhotoIntake(MOBILE.framing))


READERS = {
    "photo": decode,
    "photos to faces": read_photos,
    "zip": people_in_zip,
    "model": written(lambda name: load_recognizer(Path(name)), "m.safetensors"),
    "csv": written(read_list, "list.csv"),
    "json": written(read_list, "list.json"),
    "receipt": read_receipt,
    "export": read_export,
    "ledger": read_ledger,
    "key": written(lambda name: load_key(Path(name))),
    "public key": written(lambda name: load_public_key(Path(name))),
    "plan": written(lambda _: read_plan(Path(".")), "batch.json"),
    "open request": written(lambda _: OpenRequests(Path("l")).get("id"), "l.open/id.json"),
    "body": read_body,
}
SIGNED = ("receipt", "export")


@pytest.fixture(scope="module")
def files(images, recognizer, tmp_path_factory):
    """Bad files by reader, and a good one of each that is signed."""
    folder = tmp_path_factory.mktemp("good")
    written_books, listed = books(folder), lists()
    photos = [m for n, data in enumerate(images.values()) for m in mutants(data, 70, n)] + list(bombs())
    photos += [images["JPEG"][:300] + images["PNG"], b"", b"\xff\xd8\xff", b"RIFF\xff\xff\xff\xffWEBPVP8 "]
    bad = {
        "photo": photos,
        "photos to faces": [photos[::12]],
        "zip": zips(images),
        "model": models(recognizer, folder),
        "csv": listed[".csv"],
        "json": listed[".json"],
        "receipt": mutants(written_books["receipt"], 60),
        "export": mutants(written_books["export"], 40),
        "ledger": mutants(written_books["ledger"], 40),
        "key": mutants(written_books["key"], 20),
        "public key": mutants(written_books["public"], 20),
        "plan": mutants(written_books["plan"], 25),
        "open request": mutants(written_books["open"], 25),
        "body": mutants(body_of(images), 60),
    }
    return bad, {"receipt": written_books["receipt"], "export": written_books["export"]}


def test_there_are_enough(files):
    assert sum(map(len, files[0].values())) >= 700


@pytest.mark.parametrize("kind", READERS)
def test_a_bad_file_is_a_typed_error_or_is_read(kind, files, tmp_path):
    bad, good = files
    (tmp_path / "l.open").mkdir()
    found = in_a_process(tmp_path, lambda: tried(READERS[kind], bad[kind], kind, good))
    assert found["unexpected"] == []
    assert found["outside"] == []
    assert found["memory"] <= MOST_MEMORY


@pytest.mark.parametrize("kind", [kind for kind in READERS if kind != "photos to faces"])
def test_any_bytes_are_a_typed_error_or_are_read(kind, tmp_path):
    (tmp_path / "l.open").mkdir()

    def try_all():
        unexpected = []

        @hypothesis.settings(max_examples=40, deadline=None, derandomize=True, database=None)
        @hypothesis.given(st.binary(max_size=400) | st.text(max_size=200).map(lambda t: t.encode("utf-8", "ignore")))
        def given(data):
            unexpected.extend(tried(READERS[kind], [data], kind, {}))

        given()
        return unexpected

    found = in_a_process(tmp_path, try_all)
    assert found["unexpected"] == []
    assert found["outside"] == []


def tried(read, files, kind, good):
    """What went otherwise than by success or a typed error."""
    unexpected = []
    for number, data in enumerate(files):
        try:
            read(data)
            if kind in SIGNED and data != good.get(kind):
                unexpected.append(f"{kind} {number} was changed, and nobody noticed")
        except FaceForgetError as error:
            if not error.message:
                unexpected.append(f"{kind} {number}: no message")
        except Exception:
            unexpected.append(f"{kind} {number}: {traceback.format_exc()[-1500:]}")
    return unexpected


def in_a_process(folder, work):
    """What ``work`` returned in a forked process in ``folder``, its memory, and what it wrote elsewhere."""
    receiver, sender = _FORK.Pipe(duplex=False)

    def run():
        torch.set_num_threads(1)  # others of OpenMP do not survive a fork
        sys.dont_write_bytecode = True  # of modules that nobody has imported before
        os.chdir(folder)
        before, outside = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
        sys.addaudithook(lambda event, values: outside.extend(writes_outside(event, values, str(folder))))
        unexpected = work()
        memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        sender.send({"unexpected": unexpected, "outside": outside, "memory": memory})
        os._exit(0)

    process = _FORK.Process(target=run)
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        process.join()
        pytest.fail(f"the process ended with {process.exitcode}")
    finally:
        process.join()


def writes_outside(event, values, folder):
    """Paths outside the folder that an audited event changes."""
    if event == "open":
        name, _, flags = values
        names = [name] if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) else []
    else:
        names = [value for value in values[:2] if isinstance(value, str | bytes)] if event in WRITES else []
    texts = [os.path.abspath(os.fsdecode(name)) for name in names if isinstance(name, str | bytes | os.PathLike)]
    allowed = (folder, "/dev/", str(HYPOTHESIS))
    return [f"{event} {text}" for text in texts if not text.startswith(allowed)]
