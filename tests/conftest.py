"""Fixtures: rendered people, a small untrained backbone that still tells them apart, real data if here."""

import atexit
import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

# Before anything asks for it: tests never see, and never fill, the user's own cache.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="faceforget-tests-")
# On a busy machine the barriers of several threads make these small networks twenty times slower; where there are
# several all the same, those that wait sleep. Processes that tests start inherit both.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
# What else of the user's settings changes what is printed, whom is called, and what the app opens.
os.environ.update(COLUMNS="80", FORCE_COLOR="", no_proxy="127.0.0.1,localhost", NO_PROXY="127.0.0.1,localhost")
os.environ.update(FACEFORGET_APP_MODEL="", FACEFORGET_APP_LEDGER="")

import hypothesis
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from faceforget.api import anchor_faces
from faceforget.cli import app
from faceforget.cli.console import run
from faceforget.people.dataset import render_people
from faceforget.people.faces import read_faces
from faceforget.people.folder import read_people
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbone import Embedder, load_backbone
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from faceforget.recognizer.head import to_images
from faceforget.recognizer.mobilefacenet import MobileFaceNet

atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)
# The same examples in every run; how long one takes says nothing.
hypothesis.settings.register_profile("faceforget", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("faceforget")

SHARED = Path(__file__).resolve().parents[1].parent / "shared"


def pytest_addoption(parser):
    parser.addoption("--shuffle", type=int, metavar="SEED", help="Files, and the tests in each, in an order by chance.")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config, items):
    """No test may need another one before it; files stay whole, as their processes need them."""
    seed = config.getoption("--shuffle")
    if seed is None:
        return
    files = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    dice, order = random.Random(seed), sorted(files)
    dice.shuffle(order)
    for own in files.values():
        dice.shuffle(own)
    items[:] = [item for path in order for item in files[path]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Tests of lists and of the service are not about a model's health, which every erasure measures on 100 anchors."""
    with pytest.MonkeyPatch.context() as patch:
        if item.path.parent.name in ("requests", "serve"):
            patch.setattr(anchor_faces, "_LOOKED_AT", 20)
        return (yield)


@pytest.fixture(autouse=True)
def seeded():
    """What draws from torch's own generator draws the same, whichever test was before; and not what a method draws."""
    torch.manual_seed(20)


@pytest.fixture
def cli(monkeypatch, capsys):
    """Run the command line in this process: ``cli("erase", ...)`` gives exit code, output, messages."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["faceforget", *map(str, arguments)])
        code = 0
        try:
            run(app)
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, " ".join(captured.err.split())

    return call


@pytest.fixture(scope="session")
def people_dir(tmp_path_factory):
    """Four people who do not exist, six photos each."""
    folder = tmp_path_factory.mktemp("people")
    render_people(folder, people=4, photos=6, size=160, seed=0)
    return folder


@pytest.fixture(scope="session")
def names(people_dir):
    return sorted(path.name for path in people_dir.iterdir())


@pytest.fixture(scope="session")
def photo(people_dir, names):
    """Path of one photo."""
    return sorted((people_dir / names[0]).iterdir())[0]


@pytest.fixture(scope="session")
def faces(people_dir):
    return read_faces(read_people(people_dir), PhotoIntake(MOBILE.framing))


@pytest.fixture(scope="session")
def backbone_file(faces, tmp_path_factory):
    """A MobileFaceNet with random weights whose batch norms have seen the rendered faces.

    Standardised random features tell a few faces apart, which is all that the tests need.
    """
    torch.manual_seed(0)
    network = MobileFaceNet()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d | torch.nn.BatchNorm2d):
            module.momentum = None
    embedder = Embedder(MOBILE, network).train()
    with torch.no_grad():
        for _ in range(3):
            embedder(to_images(faces.all_crops()))
    path = tmp_path_factory.mktemp("weights") / "random.safetensors"
    save_file(network.state_dict(), path)
    return path


@pytest.fixture(scope="session")
def recognizer(faces, backbone_file):
    return enroll_faces(faces, load_backbone(backbone_file), EnrolmentPlan("head"))


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def lfw():
    folder = SHARED / "data" / "lfw"
    if not folder.is_dir():
        pytest.skip("the research photos (shared/data/lfw) are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def real_weights():
    path = SHARED / "weights" / "mobilefacenet_ms1m.safetensors"
    if not path.is_file():
        pytest.skip("the research weights (shared/weights) are not beside this checkout")
    return path
