"""A small model of rendered people, and requests of two of them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from faceforget.files import sha256_file
from faceforget.people.faces import read_faces
from faceforget.people.folder import read_people
from faceforget.photos.intake import PhotoIntake
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.requests.batch import run_batch
from faceforget.requests.batches import Setting, run_batches
from faceforget.requests.closing import Place
from faceforget.requests.ledger import Ledger
from faceforget.requests.plan import Configuration

SHIPPED = Path(__file__).resolve().parents[2] / "datasets" / "people"


@pytest.fixture(scope="session")
def people():
    """Eight people who do not exist, six photos each."""
    return {name: photos[:6] for name, photos in list(read_people(SHIPPED).items())[:8]}


@pytest.fixture(scope="session")
def names(people):
    return sorted(people)


@pytest.fixture(scope="session")
def model_file(people, tmp_path_factory):
    """The shipped backbone with these people enrolled."""
    path = tmp_path_factory.mktemp("operator") / "team.safetensors"
    faces = read_faces(people, PhotoIntake(MOBILE.framing))
    save_recognizer(enroll_faces(faces, load_backbone("mobile"), EnrolmentPlan("head")), path)
    return path


@pytest.fixture(scope="session")
def recognizer_with():
    """``recognizer_with(path, {old: new})`` writes people's names anew in a model file."""

    def rename(path, changed):
        model = load_recognizer(path)
        save_recognizer(replace(model, labels=tuple(changed.get(name, name) for name in model.labels)), path)

    return rename


@pytest.fixture(scope="session")
def make_work(model_file):
    """``make_work(folder, asked)``: an operator's folders with a model and requests, nothing done yet."""
    return lambda folder, asked: Work(folder, model_file, asked)


@pytest.fixture
def work(tmp_path, make_work, people, names):
    """Requests for two of the model's eight people."""
    return make_work(tmp_path, {name: people[name] for name in names[:2]})


@pytest.fixture(scope="session")
def finished(tmp_path_factory, make_work, people, names):
    """A batch that is through: two people were erased, one whom the model does not know was not."""
    asked = {names[0]: people[names[0]], names[1]: people[names[1]], "Zoe_Nobody": people[names[2]]}
    work = make_work(tmp_path_factory.mktemp("finished"), asked)
    work.result = work.run()
    return work


class Work:
    """The operator's folders, and a batch in them."""

    def __init__(self, folder, model_file, asked):
        self.folder = folder
        self.requests, self.out, self.ledger = folder / "requests", folder / "out", folder / "books" / "ledger.db"
        self.place = Place(folder / "models" / "team.safetensors", self.out)
        self.place.model.parent.mkdir(parents=True)
        shutil.copy(model_file, self.place.model)
        for name, photos in asked.items():
            self.ask(name, photos)

    def ask(self, name, photos):
        """Put a person's photos among the requests."""
        (self.requests / name).mkdir(parents=True)
        for photo in photos:
            shutil.copy(photo, self.requests / name)

    def receipt(self, index):
        """The receipt of a request of a finished batch, as bytes."""
        return self.place.receipt(self.result.outcomes[index].request, ".json").read_bytes()

    def run(self, *, step=lambda name: None, resume=False, **configuration):
        """Run or resume the batch."""
        return run_batch(
            self.requests,
            self.place,
            self.ledger,
            configuration=Configuration(**configuration),
            resume=resume,
            step=step,
        )


class Firm:
    """Two models of the same eight people, and a list that asks for one person of each and two of one."""

    def __init__(self, folder, model_file, people, names, rename):
        self.folder, self.names = folder, names
        self.models = [folder / "models" / f"{name}.safetensors" for name in ("door", "photos")]
        self.models[0].parent.mkdir(parents=True)
        for model in self.models:
            shutil.copy(model_file, model)
        rename(self.models[1], {names[7]: "Someone_Else"})
        rows = [(names[0], 0), (names[0], 1), (names[1], 1)]
        lines = [f"{name},{people[name][0].parent.name},models/{self.models[m].name}" for name, m in rows]
        for name in names[:2]:
            (folder / name).mkdir()
            for photo in people[name]:
                shutil.copy(photo, folder / name)
        self.list = folder / "list.csv"
        self.list.write_text("person,photos,model\n" + "\n".join(lines) + "\n")
        self.setting = Setting(folder / "out", folder / "ledger.db")
        self.live = [folder / "out" / model.stem / model.name for model in self.models]

    def name_methods(self, *methods):
        """Add a column to the list: how each row is erased."""
        head, *rows = self.list.read_text().splitlines()
        named = [f"{row},{method}" for row, method in zip(rows, methods, strict=True)]
        self.list.write_text("\n".join([f"{head},method", *named]))

    def hashes(self):
        return [sha256_file(live) for live in self.live]

    def states(self):
        """States by request, in the order of the requests."""
        with Ledger(self.setting.ledger) as ledger:
            ledger.verify()
            requests = dict.fromkeys(entry.request for entry in ledger.entries())
            return [[(entry.state, entry.attempt) for entry in ledger.of(request)] for request in requests]


@pytest.fixture
def firm(tmp_path, model_file, people, names, recognizer_with):
    return Firm(tmp_path, model_file, people, names, recognizer_with)


@pytest.fixture(scope="session")
def one_by_one(tmp_path_factory, model_file, people, names, recognizer_with):
    """The firm's list, carried out in this process."""
    firm = Firm(tmp_path_factory.mktemp("firm"), model_file, people, names, recognizer_with)
    assert run_batches(firm.list, firm.setting).all_erased
    return firm
