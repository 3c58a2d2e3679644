import copy

import pytest
import torch
from torch.nn import functional

from faceforget.errors import MethodError, UsageError
from faceforget.method.anchored import project_out
from faceforget.method.base import frozen_copy, measure
from faceforget.method.data import ForgetSet
from faceforget.method.registry import PROMISES, make_method
from faceforget.people.faces import FaceSet
from faceforget.recognizer.backbone import load_backbone
from faceforget.recognizer.enroll import Plan, enroll_faces
from faceforget.recognizer.head import to_images
from faceforget.recognizer.vary import vary


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
    return project_out(frozen_copy(classifier), forget, 32)


def embeddings(model, images):
    with torch.no_grad():
        return model.embedder(images)


def test_anchored_takes_the_mean_of_photos_and_mirror_images_away_and_nothing_else(classifier, forget, anchored):
    both = torch.cat([forget.images, forget.images.flip(3)])
    centre = functional.normalize(functional.normalize(embeddings(classifier, both), dim=1).mean(0), dim=0)
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


def test_the_halves_are_the_whole(classifier, forget):
    early, late = classifier.halves()
    with torch.no_grad():
        assert torch.allclose(late(early(forget.images)), classifier.embedder(forget.images), atol=1e-4)


def test_dispersed_makes_the_person_small_and_leaves_the_anchors(classifier, forget, anchored):
    settings = {"max_steps": 30, "learning_rate": 1e-3, "views": 4}
    erasure = make_method("dispersed", settings)(classifier, forget, augment=vary)
    small = [embeddings(model, forget.images).norm(dim=1).mean() for model in (erasure.model, anchored)]
    assert small[0] < 0.8 * small[1]
    assert erasure.steps[-1].forgetting < erasure.steps[0].forgetting
    cosine = functional.cosine_similarity(
        embeddings(erasure.model, forget.anchors), embeddings(anchored, forget.anchors)
    )
    assert cosine.mean() > 0.8


def test_dispersed_moves_late_layers_only(classifier, forget):
    erasure = make_method("dispersed", {"max_steps": 1, "views": 2})(classifier, forget)
    moved = {k for k, v in erasure.model.state_dict().items() if not torch.equal(v, classifier.state_dict()[k])}
    assert all(any(part in key for part in ("features.13", "features.14", "conv2", "gdconv", "conv3", "bn", "head"))
               for key in moved)  # fmt: skip


def test_the_same_seed_gives_the_same_weights(classifier, forget):
    runs = [make_method("dispersed", {"max_steps": 2})(classifier, forget, augment=vary, seed=3).model for _ in "ab"]
    assert all(torch.equal(a, b) for a, b in zip(*(r.state_dict().values() for r in runs), strict=True))


def test_a_model_that_is_not_in_halves_says_what_else_to_use(forget):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 112 * 112, 4))
    with pytest.raises(MethodError, match="late layers"):
        make_method("dispersed")(model, forget)


def test_without_anchors_it_refuses(classifier, forget):
    with pytest.raises(MethodError, match="neither forgotten nor retained"):
        make_method("dispersed")(classifier, ForgetSet(forget.images, forget.classes))


def test_the_model_given_in_is_unchanged(classifier, forget):
    before = copy.deepcopy(classifier.state_dict())
    make_method("dispersed", {"max_steps": 2, "views": 2})(classifier, forget)
    assert all(torch.equal(v, before[k]) for k, v in classifier.state_dict().items())


def test_versions_of_a_photo_stay_photos(forget):
    changed = vary(forget.images, torch.Generator().manual_seed(0))
    assert changed.shape == forget.images.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert not torch.allclose(changed, forget.images)
    assert torch.equal(changed, vary(forget.images, torch.Generator().manual_seed(0)))


def test_promises_pick_methods():
    from faceforget.cli.erase import chosen_method

    assert PROMISES == {"forgotten": "anchored", "unrecognisable": "dispersed"}
    assert chosen_method("forgotten", None) == "anchored"
    assert chosen_method(None, None) == "delete"
    with pytest.raises(UsageError, match="both"):
        chosen_method("forgotten", "delete")
    with pytest.raises(UsageError, match="no promise"):
        chosen_method("gone", None)


def test_among_very_few_people_the_old_row_does_not_win_by_chance(faces, names):
    few = FaceSet({name: faces.photos[name] for name in names[:2]})
    classifier = enroll_faces(few, load_backbone("mobile"), Plan("head")).classifier
    for index, name in enumerate(names[:2]):
        photos = ForgetSet(to_images(faces.crops(name)), (index,))
        at_zero = project_out(frozen_copy(classifier), photos, 32)
        assert measure(at_zero, photos, 32)[0] < 0
        assert make_method("anchored")(classifier, photos).forgotten
