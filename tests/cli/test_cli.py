import json
import re
import shutil
import tomllib
from dataclasses import replace
from importlib.metadata import PackageNotFoundError

import pytest
from rich.console import Console

from faceforget import __version__
from faceforget.people.faces import FaceSet
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.resources import INSTALLED_FROM, SHIPPED_MOBILE, SHIPPED_PEOPLE


@pytest.fixture(scope="module")
def model(recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_recognizer(recognizer, path)
    return path


@pytest.fixture
def copy_people(people_dir, tmp_path):
    return shutil.copytree(people_dir, tmp_path / "people")


def erase(cli, model, name, photos, out, *more):
    return cli("erase", model, "--person", name, "--photos", photos, "--out", out, *more)


def test_the_whole_job(cli, people_dir, names, tmp_path):
    before, after = tmp_path / "before.safetensors", tmp_path / "after.safetensors"
    code, text, _ = cli(
        "enroll", people_dir, "--out", before, "--train", "head", "--json", tmp_path / "enroll.json",
    )  # fmt: skip
    assert code == 0
    assert "Enrolled 4 people" in text
    assert json.loads((tmp_path / "enroll.json").read_text())["people"] == names

    code, text, _ = cli("recognize", before, people_dir / names[0], "--json", tmp_path / "names.json", "--top", 2)
    assert code == 0
    assert names[0] in text
    photos = json.loads((tmp_path / "names.json").read_text())["photos"]
    assert len(photos) == 6
    assert len(photos[0]["faces"][0]["top"]) == 2

    source = before.read_bytes()
    code, text, _ = erase(cli, before, names[0], people_dir / names[0], after, "--json", tmp_path / "erase.json")
    assert code == 0
    assert before.read_bytes() == source
    record = json.loads((tmp_path / "erase.json").read_text())
    assert record["accuracy"]["before"]["forgotten"] >= 0.8
    assert record["accuracy"]["after"]["forgotten"] == 0
    assert record["model_after"] != record["model_before"]

    erased = load_recognizer(after)
    assert names[0] not in erased.labels
    assert names[0].encode() not in after.read_bytes()
    assert [entry["event"] for entry in erased.history] == ["enrolled", "erased"]

    code, text, _ = cli(
        "audit", before, after, "--person", names[0], "--photos", people_dir / names[0],
        "--retained", people_dir, "--json", tmp_path / "audit.json",
    )  # fmt: skip
    assert code == 0
    assert "does not prove" in text
    report = json.loads((tmp_path / "audit.json").read_text())
    assert report["accuracy"]["before"]["forgotten"] >= 0.8
    assert report["accuracy"]["after"]["forgotten"] == 0
    assert report["photos"]["retained"] == 18
    assert not list(tmp_path.glob(".*"))


def test_several_persons_at_once(cli, model, people_dir, names, tmp_path):
    out = tmp_path / "after.safetensors"
    # An untrained backbone does without half of its people's directions no better than without everything.
    code, _, _ = erase(cli, model, names[0], people_dir, out, "--person", names[2], "--method", "drop_row")
    assert code == 0
    assert load_recognizer(out).labels == (names[1], names[3])


def test_the_same_seed_writes_the_same_file(cli, model, people_dir, names, tmp_path):
    for name in ("a", "b"):
        options = ("--seed", 5)
        assert erase(cli, model, names[1], people_dir / names[1], tmp_path / name, *options)[0] == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_erasing_leaves_no_face_of_the_person_in_the_cache(
    cli, people_dir, names, backbone_file, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = tmp_path / "model.safetensors"
    cli("enroll", people_dir, "--out", model, "--backbone", backbone_file, "--train", "head")
    assert "24 photos" in cli("cache", "show")[1].replace("\n", " ")
    erase(cli, model, names[0], people_dir / names[0], tmp_path / "after.safetensors")
    assert "18 photos" in cli("cache", "show")[1].replace("\n", " ")
    assert cli("cache", "clear")[0] == 0
    assert not list((tmp_path / "cache").rglob("*.npz"))


def bad_erasures():
    yield "an unknown person", {"--person": "Nobody"}, 2, "does not know"
    yield "an empty folder", {"--photos": "empty"}, 2, "no photo"
    yield "a missing folder", {"--photos": "missing"}, 2, "no folder"
    yield "no usable photo", {"--photos": "junk"}, 1, "No usable photo"
    yield "an unknown method", {"--method": "zap"}, 2, "Known methods"
    yield "an unknown setting", {"--method": "delete", "--set": "rate=1"}, 2, "learning_rate="
    yield "a setting without a value", {"--set": "rate"}, 2, "key=value"
    yield "output is a folder", {"--out": "empty"}, 2, "expected a file name"
    yield "too few steps", {"--method": "delete", "--set": "max_steps=1"}, 3, "NOT ERASED"
    yield "a destroyed model", {"--method": "random_label", "--set": "learning_rate=0.1"}, 3, "--allow-damage"


@pytest.mark.parametrize(
    ("options", "code", "words"), [c[1:] for c in bad_erasures()], ids=[c[0] for c in bad_erasures()]
)
def test_bad_requests_write_nothing(cli, model, people_dir, names, tmp_path, options, code, words):
    (tmp_path / "empty").mkdir()
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "x.jpg").write_text("not a photo")
    values = {
        "--person": names[0],
        "--photos": people_dir / names[0],
        "--out": "after.safetensors",
        **options,
    }
    for key in ("--photos", "--out"):
        values[key] = tmp_path / values[key]
    there = sorted(tmp_path.rglob("*"))
    found, _, message = cli("erase", model, *(part for pair in values.items() for part in pair))
    assert (found, sorted(tmp_path.rglob("*"))) == (code, there)
    assert words in message
    assert "Traceback" not in message


def test_a_destroyed_model_is_written_only_on_request_and_never_called_a_success(
    cli, model, people_dir, names, tmp_path
):
    out, record = tmp_path / "after.safetensors", tmp_path / "erase.json"
    ruin = ("--method", "random_label", "--set", "learning_rate=0.1", "--json", record)
    code, text, message = erase(cli, model, names[0], people_dir / names[0], out, *ruin)
    assert (code, text, out.exists()) == (3, "", False)
    assert "would have destroyed the model" in message
    code, _, message = erase(cli, model, names[0], people_dir / names[0], out, *ruin, "--allow-damage")
    assert (code, out.exists()) == (3, True)
    assert "The model was destroyed" in message
    found = json.loads(record.read_text())["health"]
    assert found["destroyed"]
    assert found["left"] < found["least"]


def test_the_exit_codes_are_in_the_help(cli):
    for command in ((), ("erase",), ("audit",), ("batch",)):
        assert "3 what was promised was not reached" in " ".join(cli(*command, "--help")[1].replace("│", "").split())


def test_the_same_person_twice(cli, model, people_dir, names, tmp_path):
    code, _, message = erase(cli, model, names[0], people_dir, tmp_path / "x", "--person", names[0])
    assert code == 2
    assert "twice" in message


def test_everybody_at_once(cli, model, people_dir, names, tmp_path):
    persons = [part for name in names[1:] for part in ("--person", name)]
    code, _, message = erase(cli, model, names[0], people_dir, tmp_path / "x", *persons)
    assert code == 2
    assert "at least one must remain" in message


def test_the_input_is_never_the_output(cli, model, people_dir, names):
    code, _, message = erase(cli, model, names[0], people_dir / names[0], model)
    assert code == 2
    assert "never overwritten" in message


def test_a_photo_of_somebody_else_stops_the_erasure(cli, people_dir, names, faces, recognizer, tmp_path):
    model, out = tmp_path / "model.safetensors", tmp_path / "x"
    save_recognizer(replace(recognizer, threshold=replace(recognizer.threshold, cosine=-1.0)), model)
    mixed = shutil.copytree(people_dir / names[0], tmp_path / "mixed")
    other = sorted((people_dir / names[1]).iterdir())[0]
    shutil.copy(other, mixed / "zz.jpg")
    code, _, message = erase(cli, model, names[0], mixed, out)
    assert code == 1
    assert "zz.jpg" in message
    assert names[1] in message
    assert "--allow-mismatch" in message
    assert not out.exists()
    assert erase(cli, model, names[0], mixed, out, "--allow-mismatch")[0] == 0


@pytest.mark.parametrize("content", [b"", b"hello", "backbone", "photo"])
def test_a_model_file_of_another_kind(cli, content, backbone_file, photo, people_dir, names, tmp_path):
    model = tmp_path / "model.safetensors"
    if content == "backbone":
        shutil.copy(backbone_file, model)
    elif content == "photo":
        shutil.copy(photo, model)
    else:
        model.write_bytes(content)
    code, _, message = erase(cli, model, names[0], people_dir / names[0], tmp_path / "x")
    assert code == 1
    assert "faceforget enroll" in message


def test_enrolling_a_person_with_one_photo(cli, copy_people, names, backbone_file, tmp_path):
    for path in sorted((copy_people / names[0]).iterdir())[1:]:
        path.unlink()
    arguments = (
        "enroll",
        copy_people,
        "--out",
        tmp_path / "m",
        "--backbone",
        backbone_file,
        "--train",
        "head",
    )
    code, _, message = cli(*arguments)
    assert code == 2
    assert f"{names[0]} (1)" in message
    assert not (tmp_path / "m").exists()
    assert cli(*arguments, "--skip-incomplete")[0] == 0
    assert names[0] not in load_recognizer(tmp_path / "m").labels


def test_enrolling_one_photo_under_two_names(cli, copy_people, names, backbone_file, tmp_path):
    shutil.copy(sorted((copy_people / names[0]).iterdir())[0], copy_people / names[1] / "copy.jpg")
    code, _, message = cli("enroll", copy_people, "--out", tmp_path / "m", "--backbone", backbone_file)
    assert code == 2
    assert names[0] in message
    assert names[1] in message


def test_enrolling_the_same_person_in_two_folders(cli, copy_people, names, backbone_file, tmp_path):
    shutil.copytree(copy_people / names[0], copy_people / names[0].upper())
    code, _, message = cli("enroll", copy_people, "--out", tmp_path / "m", "--backbone", backbone_file)
    assert code == 2
    assert "twice" in message


@pytest.mark.parametrize("make", ["empty", "missing", "file", "photos"])
def test_enrolling_what_is_not_a_people_folder(cli, make, photo, backbone_file, tmp_path):
    folder = tmp_path / make
    if make == "file":
        folder.write_text("x")
    elif make != "missing":
        folder.mkdir()
    if make == "photos":
        shutil.copy(photo, folder)
    code, _, message = cli("enroll", folder, "--out", tmp_path / "m", "--backbone", backbone_file)
    assert code == 2
    assert message.startswith("Error")


def test_recognize_goes_on_after_a_bad_photo(cli, model, photo, tmp_path):
    (tmp_path / "bad.jpg").write_text("x")
    code, text, message = cli("recognize", model, tmp_path / "bad.jpg", photo)
    assert code == 0
    assert photo.stem in text.replace("\n", "")
    assert "bad.jpg" in message
    assert cli("recognize", model, tmp_path / "bad.jpg")[0] == 1
    assert cli("recognize", model, tmp_path / "missing.jpg")[0] == 2


def test_an_audit_of_unrelated_models(cli, model, people_dir, names, backbone_file, copy_people, tmp_path):
    (copy_people / names[0]).rename(copy_people / "New_Name")
    other = tmp_path / "other.safetensors"
    cli("enroll", copy_people, "--out", other, "--backbone", backbone_file, "--train", "head")
    code, _, message = cli("audit", model, other, "--person", names[0], "--photos", people_dir / names[0])
    assert code == 1
    assert "not made from BEFORE" in message


@pytest.fixture
def project(monkeypatch):
    """What ``pyproject.toml`` says, which is what an installation of this checkout asks for."""
    project = tomllib.loads((INSTALLED_FROM / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    asked = [f'{line}; extra == "{extra}"' for extra, lines in extras.items() for line in lines]
    monkeypatch.setattr("faceforget.cli.doctor.requires", lambda name: [*project["dependencies"], *asked])
    return project


@pytest.mark.usefixtures("project")
def test_doctor_names_versions_and_what_is_missing(cli, tmp_path):
    code, text, _ = cli("doctor", "--json", tmp_path / "doctor.json")
    assert code == 0
    assert "torch" in text
    content = json.loads((tmp_path / "doctor.json").read_text())
    assert content.keys() == {"versions", "extras", "device", "weights", "shipped", "cache", "problems"}


def test_doctor_looks_at_every_package_and_extra_that_is_asked_for(cli, project, tmp_path):
    cli("doctor", "--json", tmp_path / "doctor.json")
    content = json.loads((tmp_path / "doctor.json").read_text())
    assert {re.split("[>=<]", line)[0] for line in project["dependencies"]} <= content["versions"].keys()
    assert content["extras"].keys() == project["optional-dependencies"].keys() - {"test"}


def test_doctor_does_not_say_that_all_is_here_where_it_cannot_know(cli, monkeypatch):
    def nowhere(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("faceforget.cli.doctor.requires", nowhere)
    monkeypatch.setattr("faceforget.cli.doctor.version", nowhere)
    _, text, _ = cli("doctor")
    assert "Missing what FaceForget needs" in text
    assert "All that is needed is here" not in text


def test_doctor_says_how_an_extra_is_installed(cli, monkeypatch):
    requirements = ["torch>=2", "no-such-package>=1; extra == 'heic'", "ruff; extra == 'test'"]
    monkeypatch.setattr("faceforget.cli.doctor.requires", lambda name: requirements)
    _, text, _ = cli("doctor")
    assert "not installed: pip install 'faceforget[heic]'" in text
    assert "ruff" not in text


def test_doctor_cuts_no_path(cli, monkeypatch):
    monkeypatch.setattr("faceforget.cli.doctor.out", Console(width=40))
    _, text, _ = cli("doctor")
    assert str(SHIPPED_MOBILE) in text
    assert str(SHIPPED_PEOPLE) in text


def test_doctor_misses_what_is_not_shipped(cli, monkeypatch, tmp_path):
    monkeypatch.setattr("faceforget.resources.SHIPPED_ANCHORS", tmp_path / "none")
    _, text, _ = cli("doctor")
    assert "Missing anchors: Restore it: git checkout" in text


def test_the_version_says_where_it_is_installed(cli):
    code, text, _ = cli("--version")
    assert code == 0
    assert text.strip() == f"faceforget {__version__} from {INSTALLED_FROM} (checkout, editable)"


def test_usage_errors_and_help(cli):
    assert cli("erase")[0] == 2
    for command in ("enroll", "recognize", "erase", "audit", "doctor"):
        assert cli(command, "--help")[0] == 0


def test_an_unusable_device(cli, model, photo):
    code, _, message = cli("recognize", model, photo, "--device", "gpu7")
    assert code == 2
    assert "--device cpu" in message


def test_a_json_file_never_replaces_a_model(cli, model, people_dir, names, tmp_path):
    before = model.read_bytes()
    for path in (model, tmp_path / "after"):
        code, _, message = erase(cli, model, names[0], people_dir / names[0], tmp_path / "after", "--json", path)
        assert code == 2
        assert "never overwritten" in message
    assert cli("recognize", model, people_dir, "--json", model)[0] == 2
    assert model.read_bytes() == before


def test_consistent_photos_of_a_stranger_do_not_erase_a_person(cli, faces, names, backbone_file, people_dir, tmp_path):
    model = tmp_path / "model.safetensors"
    known = FaceSet({name: faces.photos[name] for name in names[:3]})
    trio = enroll_faces(known, load_backbone(backbone_file), EnrolmentPlan("head"))
    save_recognizer(replace(trio, threshold=replace(trio.threshold, cosine=0.99)), model)
    code, _, message = erase(cli, model, names[0], people_dir / names[3], tmp_path / "after")
    assert code == 1
    assert "somebody else" in message
    assert not (tmp_path / "after").exists()


def test_erasing_without_the_cache_still_empties_it(cli, people_dir, names, backbone_file, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = tmp_path / "model.safetensors"
    cli("enroll", people_dir, "--out", model, "--backbone", backbone_file, "--train", "head")
    erase(cli, model, names[0], people_dir / names[0], tmp_path / "after.safetensors", "--no-cache")
    assert "18 photos" in cli("cache", "show")[1].replace("\n", " ")


def test_an_audit_warns_of_photos_of_somebody_else(cli, model, people_dir, names, tmp_path):
    erase(cli, model, names[0], people_dir / names[0], tmp_path / "after")
    arguments = ("audit", model, tmp_path / "after", "--person", names[0], "--photos")
    assert "Warning" not in cli(*arguments, people_dir / names[0])[2]
    assert "do they show the person" in cli(*arguments, people_dir / names[1])[2]


@pytest.mark.parametrize("name", ["unknown", "Bell\x07"])
def test_names_that_cannot_be_used(cli, copy_people, names, backbone_file, name, tmp_path):
    (copy_people / names[0]).rename(copy_people / name)
    code, _, message = cli("enroll", copy_people, "--out", tmp_path / "m", "--backbone", backbone_file)
    assert code == 2
    assert "cannot be a person's name" in message


def test_an_empty_person_folder_can_be_skipped(cli, copy_people, backbone_file, tmp_path):
    (copy_people / "Empty").mkdir()
    arguments = (
        "enroll",
        copy_people,
        "--out",
        tmp_path / "m",
        "--backbone",
        backbone_file,
        "--train",
        "head",
    )
    code, _, message = cli(*arguments)
    assert code == 2
    assert "Empty (0)" in message
    assert cli(*arguments, "--skip-incomplete")[0] == 0
