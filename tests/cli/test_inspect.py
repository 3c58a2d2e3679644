"""What a model file holds, told from its weights."""

import json
from dataclasses import replace

import pytest
import torch

from faceforget import api
from faceforget.audit.origin import moved_tensors
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from faceforget.recognizer.recognizer import Recognizer
from faceforget.recognizer.storage import save_recognizer
from faceforget.recognizer.training import TrainingSettings


@pytest.fixture(scope="module")
def erased(recognizer, people_dir, names):
    """The model without the first person, by each method."""

    def by(method: str) -> Recognizer:
        runtime = api.Runtime(cache=None)
        photos = {names[0]: sorted((people_dir / names[0]).iterdir())}
        options = {"method": method, "allow_damage": True, "allow_incomplete": True, "allow_mismatch": True}
        return api.erase(recognizer, photos, runtime=runtime, **options).recognizer

    return by


def test_a_head_on_the_public_network_holds_only_rows(recognizer, backbone_file):
    found = api.inspect(recognizer, backbone=backbone_file)
    assert (found.holds, found.moved, found.regions, found.taken_out) == ("only the row", (), 0, 0)
    assert "bit for bit the public one" in found.because


def test_without_a_person_it_is_the_model_that_never_had_them_bit_for_bit(erased, faces, names, backbone_file):
    without = erased("drop_row")
    never = enroll_faces(faces.only(names[1:]), load_backbone(backbone_file), EnrolmentPlan("head"))
    assert without.weights_hash() == never.weights_hash()
    assert api.inspect(without, backbone=backbone_file).holds == "only the row"


def test_a_network_that_was_trained_on_the_photos_cannot_be_told(faces, backbone_file):
    plan = EnrolmentPlan("full", training=TrainingSettings(epochs=1, batch_size=12))
    found = api.inspect(enroll_faces(faces, load_backbone(backbone_file), plan), backbone=backbone_file)
    assert found.holds == "cannot be told"
    assert found.moved
    assert all(one.share >= other.share for one, other in zip(found.moved, found.moved[1:], strict=False))
    assert f"{len(found.moved)} of {found.tensors} tensors" in found.because


@pytest.mark.parametrize(("method", "regions", "taken_out"), [("anchored", 0, 1), ("dispersed", 1, 0)])
def test_blinding_somebody_leaves_a_template_of_them(erased, backbone_file, method, regions, taken_out):
    found = api.inspect(erased(method), backbone=backbone_file)
    assert (found.holds, found.regions, found.taken_out) == ("a template", regions, taken_out)
    assert found.erasures == (method,)


def test_delete_turns_the_last_layer_and_takes_nothing_out(erased, backbone_file):
    found = api.inspect(erased("delete"), backbone=backbone_file)
    assert (found.holds, found.regions, found.taken_out) == ("cannot be told", 0, 0)
    assert 0 < len(found.moved) < found.tensors / 10


def test_weights_that_are_not_at_hand_are_not_compared_and_others_are_refused(recognizer):
    found = api.inspect(recognizer)
    assert (found.holds, found.moved) == ("cannot be told", None)
    assert "random.safetensors, are not at hand" in found.not_compared.message
    with pytest.raises(api.FaceForgetError, match="other weights"):
        api.inspect(recognizer, backbone="mobile")


@pytest.mark.parametrize(
    "history", [(), ({"event": "enrolled"},), ({"event": "enrolled", "backbone": 3, "train": []},)]
)
def test_a_model_that_does_not_say_where_it_is_from_is_not_compared(recognizer, history):
    found = api.inspect(replace(recognizer, history=history))
    assert (found.holds, found.moved, found.backbone, found.train) == ("cannot be told", None, None, None)
    assert "does not say how it was enrolled" in found.not_compared.message


def test_tensors_that_only_one_has_count_as_moved():
    one, other = torch.nn.Linear(2, 2), torch.nn.Linear(2, 2, bias=False)
    other.load_state_dict({"weight": one.weight})
    assert [(each.name, each.share) for each in moved_tensors(one, other)] == [("bias", 1.0)]


def test_the_command_says_what_to_give_where_the_network_is_not_at_hand(cli, recognizer, tmp_path):
    model = tmp_path / "model.safetensors"
    save_recognizer(recognizer, model)
    code, text, _ = cli("inspect", model)
    assert code == 0
    assert "Give the file: --backbone FILE." in text
    assert "cannot be told" in text


def test_the_command_says_the_same(cli, recognizer, backbone_file, tmp_path):
    model, result = tmp_path / "model.safetensors", tmp_path / "result.json"
    save_recognizer(recognizer, model)
    code, text, _ = cli("inspect", model, "--backbone", backbone_file, "--json", result)
    assert code == 0
    assert "It holds of a person: only the row." in text
    assert "tensors are bit for bit the same" in text
    found = json.loads(result.read_text())
    assert (found["holds"], found["moved"], found["model"]["file"]) == ("only the row", [], str(model))
