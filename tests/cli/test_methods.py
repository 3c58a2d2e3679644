"""Methods by name on the command line, and what each refuses."""

import json

import pytest
import torch

from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.unlearn.registry import METHODS


@pytest.fixture(scope="module")
def model(recognizer, tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "model.safetensors"
    save_recognizer(recognizer, path)
    return path


@pytest.fixture
def erase(cli, model, people_dir, names, tmp_path):
    def call(method, *more):
        out, record = tmp_path / f"{method}.safetensors", tmp_path / "erase.json"
        arguments = ("--person", names[0], "--photos", people_dir / names[0], "--out", out, "--json", record)
        code, text, message = cli("erase", model, *arguments, "--method", method, *more)
        return code, text, message, json.loads(record.read_text()) if record.exists() else None

    return call


@pytest.mark.parametrize("method", ["drop_row", "mask_logit"])
def test_trivial_baselines_say_that_they_erase_nothing(erase, method, names, model, tmp_path):
    code, _, message, record = erase(method)
    assert code == 0
    assert "erases nothing from the features" in message or "nothing is erased from the features" in message
    assert record["accuracy"]["after"] == record["accuracy"]["before"]
    erased, before = load_recognizer(tmp_path / f"{method}.safetensors"), load_recognizer(model)
    assert erased.labels == tuple(names[1:])
    weights, wanted = (
        model.classifier.state_dict() for model in (erased.without(names[1:2]), before.without(names[:2]))
    )
    torch.testing.assert_close(weights, wanted, rtol=1e-6, atol=1e-7)  # rows are of length 1 again: the last bit


def test_a_method_that_reads_others_refuses_without_them(erase, tmp_path):
    code, _, message, _ = erase("finetune")
    assert code == 2
    assert "--retained" in message
    assert not list(tmp_path.iterdir())


def test_others_photos_are_refused_by_a_method_that_does_not_read_them(erase, people_dir):
    code, _, message, _ = erase("delete", "--retained", people_dir)
    assert code == 2
    assert "does not read" in message


def test_retrain_enrols_the_others_again(erase, people_dir, backbone_file, names, tmp_path):
    code, _, message, record = erase("retrain", "--retained", people_dir, "--backbone", backbone_file)
    assert code == 0
    assert "the reference" in message
    assert record["record"]["retained_photos"] == 18
    assert load_recognizer(tmp_path / "retrain.safetensors").labels == tuple(names[1:])


def test_retrain_needs_the_weights_from_before_the_enrolment(erase, people_dir, real_weights):
    code, _, message, _ = erase("retrain", "--retained", people_dir)
    assert code == 2
    assert "--backbone FILE" in message
    code, _, message, _ = erase("retrain", "--retained", people_dir, "--backbone", real_weights)
    assert code == 2
    assert "enrolled from other weights" in message


def test_a_photo_to_forget_is_not_somebody_elses(erase, people_dir, names, tmp_path):
    (tmp_path / "others" / names[1]).mkdir(parents=True)
    photo = sorted((people_dir / names[0]).iterdir())[0]
    (tmp_path / "others" / names[1] / photo.name).write_bytes(photo.read_bytes())
    code, _, message, _ = erase("finetune", "--retained", tmp_path / "others")
    assert code == 2
    assert "also a photo to forget" in message


def test_methods_lists_every_method_with_its_settings(cli, tmp_path):
    code, text, _ = cli("methods", "--json", tmp_path / "methods.json")
    assert code == 0
    listed = {card["name"]: card for card in json.loads((tmp_path / "methods.json").read_text())["methods"]}
    assert set(listed) == set(METHODS)
    assert "retained photos" in listed["scrub"]["reads"]
    assert {"name": "share", "default": 0.5, "meaning": "Share of all weights that may move."} in listed["salun"][
        "hyperparameters"
    ]
    assert all(name in text for name in ("delete", "pour", "retrain"))
    assert "…" not in text  # a default that is cut off is not shown


def test_methods_says_more_of_one(cli):
    code, text, _ = cli("methods", "boundary_shrink")
    assert code == 0
    assert "epsilon" in text
    assert cli("methods", "zap")[0] == 2
