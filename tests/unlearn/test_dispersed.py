import copy
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from faceforget.api.method_words import METHOD_OF_PROMISE, notes_in_words
from faceforget.errors import MethodError, UsageError
from faceforget.people.faces import FaceSet
from faceforget.progress import silent
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import EnrolmentPlan, enroll_faces
from faceforget.recognizer.head import to_images
from faceforget.recognizer.storage import load_recognizer, save_recognizer
from faceforget.recognizer.vary import vary
from faceforget.unlearn.base import Run, frozen_copy, measure
from faceforget.unlearn.data import ForgetSet
from faceforget.unlearn.methods.anchored import project_out
from faceforget.unlearn.methods.regions import look_at_classes
from faceforget.unlearn.registry import make_method


@pytest.fixture(scope="module")
def classifier(recognizer):
    return recognizer.classifier


@pytest.fixture(scope="module")
def forget(faces, names, recognizer):
    own = to_images(faces.crops(names[0]))
    anchors = to_images(faces.crops(names[2]))
    return ForgetSet(own[:4], (recognizer.index_of(names[0]),), anchors=anchors)


@pytest.fixture(scope="module")
def anchored(classifier, forget):
    return projected(classifier, forget)


def projected(classifier, forget):
    persons = look_at_classes(classifier, forget, Run(None, 0, silent), 32)
    return project_out(frozen_copy(classifier), forget, persons, 32)


def embeddings(model, images):
    with torch.no_grad():
        return model.embedder(images)


def test_anchored_takes_what_photos_and_row_have_in_common_away_and_nothing_else(classifier, forget, anchored):
    """The row counts as four photos, and a photo with its mirror image as one."""
    both = functional.normalize(embeddings(classifier, torch.cat([forget.images, forget.images.flip(3)])), dim=1)
    row = functional.normalize(classifier.head.weight[list(forget.classes)], dim=1)
    centre = functional.normalize(both.sum(0) / 2 + 4 * row[0], dim=0)
    for images in (forget.images, forget.anchors):
        before = embeddings(classifier, images)
        expected = before - (before @ centre)[:, None] * centre
        assert torch.allclose(embeddings(anchored, images), expected, atol=1e-3 * float(before.norm(dim=1).max()))


def test_anchored_moves_the_rows_that_stay_along_and_keeps_the_layers(classifier, forget, anchored):
    kept = [i for i in range(len(classifier.head.weight)) if i not in forget.classes]
    cosines = (
        functional.normalize(embeddings(anchored, forget.images), dim=1)
        @ functional.normalize(anchored.head.weight[kept], dim=1).T
    )
    assert cosines.isfinite().all()
    assert anchored.state_dict().keys() == classifier.state_dict().keys()


@pytest.fixture(scope="module")
def shipped(faces):
    """People enrolled with a network that tells them apart."""
    return enroll_faces(faces, load_backbone("mobile"), EnrolmentPlan(train="head"))


@pytest.fixture(scope="module")
def person(shipped, faces, names):
    """The first person's photos but for two, the third person's as anchors."""
    photos, anchors = (to_images(faces.crops(names[n])) for n in (0, 2))
    return ForgetSet(photos[:4], (shipped.index_of(names[0]),), anchors=anchors)


@pytest.fixture(scope="module")
def dispersed(shipped, person):
    return make_method("dispersed")(shipped.classifier, person, augment=vary)


def left_to_others(model, original, images):
    """Outside all rims the same bits; in a rim a direction is missing."""
    before, after, layer = embeddings(original, images), embeddings(model, images), model.embedder.scatter
    near = (functional.normalize(before, dim=1) @ layer.directions.T > layer.cosines - 0.28).any(1)
    assert torch.equal(after[~near], before[~near])
    masked = before[near] - before[near] @ complement_of(layer.directions)
    assert ((after[near] - before[near]).norm(dim=1) <= masked.norm(dim=1) + 1e-3).all()
    return near


def complement_of(directions):
    basis, _ = torch.linalg.qr(directions.T)
    return torch.eye(len(basis)) - basis @ basis.T


def test_dispersed_leaves_everybody_else_bit_for_bit(shipped, faces, names, dispersed):
    images = [to_images(faces.crops(name)) for name in names[1:]]
    near = torch.cat([left_to_others(dispersed.model, shipped.classifier, own) for own in images])
    assert near.float().mean() < 0.5
    before, after = shipped.classifier.state_dict(), dispersed.model.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_dispersed_makes_photos_of_the_person_unlike_each_other(shipped, faces, names, dispersed):
    """Photos that it did not read among them."""
    photos = to_images(faces.crops(names[0]))
    before, after = (mean_cosine(embeddings(model, photos)) for model in (shipped.classifier, dispersed.model))
    assert before > 0.5
    assert abs(after) < 0.1


def mean_cosine(found):
    unit = functional.normalize(found, dim=1)
    return (unit @ unit.T)[~torch.eye(len(unit), dtype=torch.bool)].mean()


def test_another_person_is_dispersed_by_the_same_layer(shipped, faces, names, person, dispersed):
    photos = to_images(faces.crops(names[1]))
    other = ForgetSet(photos, (shipped.index_of(names[1]),), anchors=person.anchors)
    both = make_method("dispersed")(dispersed.model, other, augment=vary).model
    assert len(both.embedder.scatter.cosines) == 2
    assert abs(mean_cosine(embeddings(both, photos))) < 0.1
    first = embeddings(both, person.images), embeddings(dispersed.model, person.images)
    assert functional.cosine_similarity(*first).min() > 0.95


def test_the_region_ends_before_the_nearest_other_person(shipped, person):
    twin = replace(person, anchors=person.images[:1])
    erasure = make_method("dispersed")(shipped.classifier, twin, augment=vary)
    assert erasure.model.embedder.scatter.inside(embeddings(shipped.classifier, twin.anchors)).max() == 0
    assert "outside a region" in notes_in_words(erasure.notes)


def test_many_people_at_once_are_masked_only_where_they_are(shipped, faces, names):
    """Two of four people, with a limit so low that two are many."""
    gone = [shipped.index_of(name) for name in names[:2]]
    images = [to_images(faces.crops(name)) for name in names]
    labels = torch.tensor([row for row, own in zip(gone, images, strict=False) for _ in own])
    forget = ForgetSet(torch.cat(images[:2]), tuple(gone), labels=labels)
    erasure = make_method("anchored", {"everywhere": 0.01})(shipped.classifier, forget, augment=vary)
    assert erasure.forgotten
    assert "2 people at once" in notes_in_words(erasure.notes)
    for own in images[2:]:
        left_to_others(erasure.model, shipped.classifier, own)
    layer = erasure.model.embedder.scatter
    for own, direction in zip(images[:2], layer.directions, strict=True):
        assert (embeddings(shipped.classifier, own) @ direction).min() > 0
        assert (functional.normalize(embeddings(erasure.model, own), dim=1) @ direction).max() < 0.1
    assert not make_method("anchored")(shipped.classifier, forget).notes


def test_a_single_photo_is_dispersed(shipped, person):
    one = ForgetSet(person.images[:1], person.classes, anchors=person.anchors)
    assert make_method("dispersed")(shipped.classifier, one, augment=vary).forgotten


def test_a_scattered_model_survives_its_file(shipped, person, dispersed, tmp_path):
    erased = replace(shipped, classifier=dispersed.model).without([shipped.labels[person.classes[0]]])
    save_recognizer(erased, tmp_path / "erased.safetensors")
    read = load_recognizer(tmp_path / "erased.safetensors")
    assert read.weights_hash() == erased.weights_hash()
    assert torch.equal(embeddings(read.classifier, person.images), embeddings(dispersed.model, person.images))


def test_a_scattered_model_can_forget_another_person_by_projection(shipped, faces, names, person, dispersed):
    photos = to_images(faces.crops(names[1]))
    both = make_method("anchored")(dispersed.model, ForgetSet(photos, (shipped.index_of(names[1]),))).model
    assert both.state_dict().keys() == dispersed.model.state_dict().keys()
    assert abs(mean_cosine(embeddings(both, person.images))) < 0.15
    direction = both.embedder.scatter.directions[1]
    everybody = torch.cat([to_images(faces.crops(name)) for name in names])
    assert (functional.normalize(embeddings(both, everybody), dim=1) @ direction).abs().max() < 0.3


def test_looking_at_anchors_shows_progress(shipped, person):
    events = []
    make_method("dispersed")(shipped.classifier, person, progress=events.append)
    assert [event.stage for event in events if event.final] == ["looking at anchors", "looking at the images"]
    assert events[-1].final


def test_one_method_looks_at_the_same_anchors_once_per_model(shipped, person):
    method, told = make_method("dispersed"), [[], [], [], []]
    one = method(shipped.classifier, person, progress=told[0].append).model
    two = method(shipped.classifier, person, progress=told[1].append).model
    method(one, person, progress=told[2].append)
    method(one, replace(person, anchors=person.anchors[1:]), progress=told[3].append)
    looked = ["looking at anchors" in {event.stage for event in events} for events in told]
    assert looked == [True, False, True, True]
    assert all(torch.equal(value, two.state_dict()[key]) for key, value in one.state_dict().items())


def test_without_anchors_it_refuses(classifier, forget):
    with pytest.raises(MethodError, match="neither forgotten nor kept"):
        make_method("dispersed")(classifier, ForgetSet(forget.images, forget.classes))


def test_the_model_given_in_is_unchanged(classifier, forget):
    before = copy.deepcopy(classifier.state_dict())
    make_method("dispersed")(classifier, forget)
    assert all(torch.equal(v, before[k]) for k, v in classifier.state_dict().items())


def test_versions_of_a_photo_stay_photos(forget):
    changed = vary(forget.images, torch.Generator().manual_seed(0))
    assert changed.shape == forget.images.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.allclose(changed, forget.images)
    assert torch.equal(changed, vary(forget.images, torch.Generator().manual_seed(0)))


def test_promises_pick_methods():
    from faceforget.cli.erase import chosen_method

    assert METHOD_OF_PROMISE == {"forgotten": "anchored", "unrecognisable": "dispersed"}
    assert chosen_method("forgotten", None) == "anchored"
    assert chosen_method(None, None) == chosen_method("forgotten", None)
    assert chosen_method(None, "delete") == "delete"
    with pytest.raises(UsageError, match="both"):
        chosen_method("forgotten", "delete")
    with pytest.raises(UsageError, match="no promise"):
        chosen_method("gone", None)


def test_among_very_few_people_the_old_row_does_not_win_by_chance(faces, names):
    few = FaceSet({name: faces.photos[name] for name in names[:2]})
    classifier = enroll_faces(few, load_backbone("mobile"), EnrolmentPlan("head")).classifier
    for index, name in enumerate(names[:2]):
        photos = ForgetSet(to_images(faces.crops(name)), (index,))
        at_zero = projected(classifier, photos)
        assert measure(at_zero, photos, 32)[0] < 0
        assert make_method("anchored")(classifier, photos).forgotten
