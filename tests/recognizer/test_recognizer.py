import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save
from torch import nn
from torch.nn import functional

from faceforget.errors import ModelFileError, UnknownPersonError
from faceforget.people.faces import FaceSet
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.calibrate import moved_limit, stranger_scores, tail_limit, threshold_for
from faceforget.recognizer.enroll import EnrolmentPlan, TooFewPhotosError, enroll_faces
from faceforget.recognizer.head import CosineHead, FaceClassifier, to_images
from faceforget.recognizer.recognizer import UNKNOWN, Threshold, embed_images
from faceforget.recognizer.same_person import doubtful_photos
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.recognizer.training import TrainingSettings, fine_tune


@pytest.fixture
def saved(recognizer, tmp_path):
    save_recognizer(recognizer, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def header_of(path):
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["faceforget-recognizer"])


def rewrite(path, **changes):
    """The same weights under a changed header."""
    header = header_of(path)
    with safe_open(path, framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    path.write_bytes(save(tensors, {"faceforget-recognizer": json.dumps({**header, **changes})}))


def test_enrolled_people_are_named(recognizer, faces):
    for name in faces.photos:
        named = recognizer.recognize(faces.crops(name))
        assert sum(r.candidates[0].name == name for r in named) >= 5  # of 6, with an untrained backbone


def test_candidates_are_sorted_and_their_confidence_sums_to_one(recognizer, faces, names):
    result = recognizer.recognize(faces.crops(names[0])[:1], top=99)[0]
    similarities = [candidate.similarity for candidate in result.candidates]
    assert similarities == sorted(similarities, reverse=True)
    assert sum(candidate.confidence for candidate in result.candidates) == pytest.approx(1, abs=1e-5)
    assert len(result.candidates) == 4


def test_below_the_threshold_nobody_is_named(recognizer, faces, names):
    strict = replace(recognizer, threshold=Threshold(1.0, 0.0, "test"))
    assert {result.name for result in strict.recognize(faces.crops(names[0]))} == {UNKNOWN}


def test_no_faces_give_no_names(recognizer):
    assert recognizer.recognize(np.zeros((0, 112, 112, 3), np.uint8)) == []


def test_embeddings_in_groups_are_in_the_order_of_the_images(recognizer, faces, names):
    crops = [faces.crops(name) for name in names]
    images = to_images(np.concatenate(crops))
    groups = torch.arange(len(names)).repeat_interleave(torch.tensor([len(own) for own in crops]))
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    together = embed_images(recognizer.classifier, images)
    apart = embed_images(recognizer.classifier, images[order], groups=groups[order])
    assert torch.allclose(apart, together[order], atol=1e-5)


def test_rows_of_length_one_stay_as_they_are():
    rows = torch.randn(40, 128, generator=torch.Generator().manual_seed(0))
    once = CosineHead(rows).weight.detach()
    assert torch.allclose(once.norm(dim=1), torch.ones(40))
    assert torch.equal(CosineHead(once[3:]).weight, once[3:])


def test_the_head_is_the_cosine():
    rows, embeddings = torch.randn(3, 8), torch.randn(5, 8)
    expected = torch.nn.functional.cosine_similarity(embeddings[:, None], rows[None], dim=2) * 16
    assert torch.allclose(CosineHead(rows)(embeddings), expected, atol=1e-5)


def test_without_a_person_row_and_label_are_gone(recognizer, faces, names):
    smaller = recognizer.without([names[1]])
    assert names[1] not in smaller.labels
    assert len(smaller.classifier.head.weight) == 3
    before, after = recognizer.cosines(faces.crops(names[2])), smaller.cosines(faces.crops(names[2]))
    assert torch.allclose(before[:, [0, 2, 3]], after, atol=1e-6)
    assert len(recognizer.labels) == 4


def test_an_unknown_person_gets_a_suggestion(recognizer, names):
    with pytest.raises(UnknownPersonError, match=names[0]):
        recognizer.index_of(names[0].lower())


def test_full_training_moves_the_backbone_and_spares_the_source(faces, backbone_file):
    backbone = load_backbone(backbone_file)
    before = {key: value.clone() for key, value in backbone.network.state_dict().items()}
    events = []
    plan = EnrolmentPlan("full", training=TrainingSettings(epochs=2, batch_size=12))
    model = enroll_faces(faces, backbone, plan, progress=events.append)
    assert all(torch.equal(before[key], value) for key, value in backbone.network.state_dict().items())
    trained = model.classifier.embedder.network.state_dict()
    assert not torch.equal(trained["conv1.0.weight"], before["conv1.0.weight"])
    assert torch.equal(trained["conv1.1.running_mean"], before["conv1.1.running_mean"])
    ends = [event for event in events if event.final]
    assert [event.stage for event in ends] == ["embedding faces", "training", "embedding faces"]
    assert "loss" in ends[1].values


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11, 20])
def test_any_number_of_steps_can_be_trained(steps):
    classifier = FaceClassifier(nn.Flatten(), CosineHead(torch.eye(2, 12)))
    before = classifier.head.weight.detach().clone()
    fine_tune(classifier, torch.rand(4, 3, 2, 2), torch.tensor([0, 0, 1, 1]), TrainingSettings(epochs=steps))
    assert not torch.equal(classifier.head.weight, before)
    assert classifier.head.weight.isfinite().all()


def test_the_same_seed_enrols_the_same_weights(faces, backbone_file):
    plan = EnrolmentPlan("full", training=TrainingSettings(epochs=1))
    models = [enroll_faces(faces, load_backbone(backbone_file), plan) for _ in range(2)]
    assert models[0].weights_hash() == models[1].weights_hash()


def test_a_person_with_one_photo_is_named_in_the_error(faces, names, backbone_file):
    few = FaceSet({**faces.photos, names[0]: faces.photos[names[0]][:1]})
    with pytest.raises(TooFewPhotosError, match=rf"{names[0]} \(1\)"):
        enroll_faces(few, load_backbone(backbone_file), EnrolmentPlan("head"))
    with pytest.raises(TooFewPhotosError, match="at least 2 people"):
        enroll_faces(faces.only(names[:1]), load_backbone(backbone_file), EnrolmentPlan("head"))


def test_a_stranger_to_the_other_rows():
    cosines = torch.tensor([[0.9, 0.2, 0.1], [0.3, 0.8, 0.5]])
    assert stranger_scores(cosines, torch.tensor([0, 1])).tolist() == pytest.approx([0.2, 0.5])


@pytest.mark.parametrize("rate", [0.01, 0.05, 0.2])
def test_the_threshold_gives_the_stated_rate(rate, rng):
    scores = torch.from_numpy(rng.normal(0.2, 0.1, 400_000))
    threshold = threshold_for(scores[:200_000], rate, "test")
    assert (scores[200_000:] >= threshold.cosine).double().mean().item() == pytest.approx(rate, rel=0.25)


def test_strangers_that_are_given_are_calibrated_on(faces, names, backbone_file):
    model = enroll_faces(
        faces.only(names[:3]),
        load_backbone(backbone_file),
        EnrolmentPlan("head", 0.2),
        strangers=faces.crops(names[3]),
    )
    assert model.threshold.calibrated_on == "6 photos of strangers"
    named = [r.name for r in model.recognize(faces.crops(names[3]))]
    assert named.count(UNKNOWN) >= 4


def test_photos_of_somebody_else_are_doubted(recognizer, faces, names):
    mixed = np.concatenate([faces.crops(names[0])[:4], faces.crops(names[1])[:2]])
    certain = replace(recognizer, threshold=Threshold(-1.0, 1.0, "test"))
    doubts = doubtful_photos(certain, names[0], certain.embed(mixed))
    assert {4, 5} <= {doubt.index for doubt in doubts}
    assert names[1] in {doubt.looks_like for doubt in doubts}


def test_a_model_survives_its_file(recognizer, saved, faces, names):
    loaded = load_recognizer(saved)
    assert loaded.labels == recognizer.labels
    assert loaded.threshold == recognizer.threshold
    assert loaded.history == recognizer.history
    assert loaded.weights_hash() == recognizer.weights_hash()
    assert torch.equal(loaded.cosines(faces.crops(names[0])), recognizer.cosines(faces.crops(names[0])))
    assert list(saved.parent.iterdir()) == [saved]


def test_saving_the_same_model_gives_the_same_bytes(saved, tmp_path):
    save_recognizer(load_recognizer(saved), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_a_missing_file_lists_what_is_there(saved):
    with pytest.raises(ModelFileError, match=r"model\.safetensors"):
        load_recognizer(saved.with_name("modle.safetensors"))


def test_backbone_weights_are_not_a_model(backbone_file):
    with pytest.raises(ModelFileError, match="backbone weights"):
        load_recognizer(backbone_file)


@pytest.mark.parametrize("length", [0, 7, 100, 5000, -1])
def test_a_truncated_file(saved, length):
    saved.write_bytes(saved.read_bytes()[:length])
    with pytest.raises(ModelFileError, match="no complete safetensors file"):
        load_recognizer(saved)


@pytest.mark.parametrize(("version", "todo"), [(0, "Enroll"), (2, "Update"), ("x", "intact")])
def test_another_format_version(saved, version, todo):
    rewrite(saved, format_version=version)
    with pytest.raises(ModelFileError, match=todo):
        load_recognizer(saved)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("labels", ["Ann", "Ann", "Bo", "Cy"]),
        ("labels", []),
        ("threshold", {"cosine": 3}),
        ("scale", -1),
        ("extra", 1),
    ],
)
def test_each_field_is_checked(saved, field, value):
    description = json.loads(header_of(saved)["description"])
    rewrite(saved, description=json.dumps({**description, field: value}))
    with pytest.raises(ModelFileError, match="metadata"):
        load_recognizer(saved)


def test_a_changed_label_is_noticed(saved):
    description = json.loads(header_of(saved)["description"])
    description["labels"][0] = "Somebody Else"
    rewrite(saved, description=json.dumps(description))
    with pytest.raises(ModelFileError, match="digest"):
        load_recognizer(saved)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True), mask=st.integers(1, 255))
def test_any_changed_byte_is_noticed(saved, position, mask):
    original = saved.read_bytes()
    data = bytearray(original)
    # Half of the draws go to the header, a hundredth of the file.
    span = len(data) if mask % 2 else 4000
    data[int(position * span)] ^= mask
    try:
        saved.write_bytes(data)
        with pytest.raises(ModelFileError):
            load_recognizer(saved)
    finally:
        saved.write_bytes(original)


@pytest.mark.parametrize("change", ["nan", "half", "extra"])
def test_tensors_that_do_not_belong_are_refused(saved, change):
    with safe_open(saved, framework="pt") as file:
        stored, tensors = file.metadata(), {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    if change == "nan":
        tensors["head.weight"][0, 0] = float("nan")
    elif change == "half":
        tensors["head.weight"] = tensors["head.weight"].half()
    else:
        tensors["head.old_row"] = tensors["head.weight"][:1].clone()
    saved.write_bytes(save(tensors, stored))
    with pytest.raises(ModelFileError, match="head"):
        load_recognizer(saved)


def test_too_few_people_are_not_called_a_calibration(recognizer):
    assert recognizer.threshold.calibrated_on.startswith("an estimate")


@pytest.mark.parametrize("people", [3, 10, 25])
def test_a_few_people_give_about_the_stated_rate_of_strangers(people):
    """A world whose strangers are usual ones: groups of a few people, and 2,000 photos of strangers to each."""
    rng, size, rates = np.random.default_rng(0), 96, []

    def unit(count):
        return functional.normalize(torch.from_numpy(rng.normal(size=(count, size))), dim=1)

    for _ in range(20):
        rows = unit(people)
        photos = functional.normalize(rows.repeat_interleave(8, 0) + unit(8 * people), dim=1)
        limit = tail_limit(photos @ rows.T, torch.arange(people).repeat_interleave(8), 0.01, (0.0, size**-0.5))
        rates.append(((unit(2000) @ rows.T).amax(1) >= limit).double().mean().item())
    assert 0.001 < np.mean(rates) < 0.02
    assert max(rates) < 0.03


def test_training_on_the_photos_moves_the_limit_as_it_moves_their_similarities_and_not_as_far_as_their_best(rng):
    places = torch.arange(10).repeat_interleave(12)
    before = torch.from_numpy(rng.normal(0.05, 0.1, (120, 10)))
    limit = tail_limit(before, places, 0.01, (0.05, 0.1))
    trained = (before - 0.06).clamp(max=0.1)  # nothing that it was trained on is like another row any more
    moved = moved_limit(limit, before, trained, places)
    assert limit - 0.1 < moved < limit - 0.03
    assert moved > stranger_scores(trained, places).max().item() + 0.1


@pytest.mark.parametrize(("people", "spread"), [(5, 1.02), (10, 1.04), (20, 1.08), (62, 1.08)])
def test_a_limit_moves_further_from_the_mean_the_more_people_there_are(people, spread):
    cosines, places = torch.full((people, people), 0.1), torch.arange(people)
    assert moved_limit(0.5, cosines, cosines, places) == pytest.approx(0.1 + spread * 0.4)


def test_a_margin_brings_photos_nearer_to_their_own_row_than_to_others():
    generator = torch.Generator().manual_seed(0)
    targets = torch.arange(6).repeat_interleave(8)
    people, noise = torch.rand(6, 3, 8, 8, generator=generator), torch.rand(48, 3, 8, 8, generator=generator)
    images = 0.6 * people[targets] + 0.4 * noise

    def lead(margin):
        network = nn.Sequential(nn.Flatten(), nn.Linear(192, 16))
        weight = torch.randn(16, 192, generator=torch.Generator().manual_seed(1)) / 14
        network[1].weight.data.copy_(weight)
        network[1].bias.data.zero_()
        classifier = FaceClassifier(network, CosineHead(torch.eye(6, 16)))
        fine_tune(classifier, images, targets, TrainingSettings(epochs=30, learning_rate=0.05, margin=margin))
        cosines = classifier(images).detach() / classifier.head.scale
        own = cosines.gather(1, targets[:, None])[:, 0]
        return (own - stranger_scores(cosines, targets)).mean()

    assert lead(0.5) > lead(0.0) + 0.1


def test_a_lower_rate_and_more_people_ask_for_a_higher_limit(rng):
    cosines = torch.from_numpy(rng.normal(0.02, 0.1, (120, 10)))
    places = torch.arange(10).repeat_interleave(12)
    limits = [tail_limit(cosines, places, rate, (0.04, 0.11)) for rate in (0.1, 0.01, 0.001)]
    assert limits == sorted(limits)
    few = tail_limit(cosines[:36, :3], places[:36], 0.01, (0.04, 0.11))
    assert few < limits[1]


def test_photos_the_model_is_sure_of_vouch_for_a_hard_one(recognizer, faces, names):
    limit = replace(recognizer, threshold=Threshold(0.2, 0.0, "test"))
    assert doubtful_photos(limit, names[0], limit.embed(faces.crops(names[0]))) == []


def test_many_photos_at_once_give_the_embeddings_of_one_at_a_time(recognizer, faces):
    crops = np.concatenate([faces.all_crops()] * 2)
    assert len(crops) > 32
    many = recognizer.embed(crops)
    alone = torch.cat([recognizer.embed(crop[None]) for crop in crops[:6]])
    assert torch.allclose(many[:6], alone, atol=1e-5)
    assert torch.allclose(many[: len(crops) // 2], many[len(crops) // 2 :], atol=1e-5)
