import copy

import pytest
import torch
from torch import nn

from faceforget.errors import MethodError
from faceforget.unlearn.eraser import Batch, DivergedError, ForgetSet, Scene
from faceforget.unlearn.losses import LossInputError, log_odds_margin, mask_logits
from faceforget.unlearn.methods.delete import Delete, DeleteSettings, common_logits
from faceforget.unlearn.registry import METHODS, make_method


def blobs(seed=0, classes=4, per_class=20):
    """Well separated points ``(N, 6)`` and their classes."""
    generator = torch.Generator().manual_seed(seed)
    centres = torch.randn(classes, 6, generator=torch.Generator().manual_seed(99)) * 3
    targets = torch.arange(classes).repeat_interleave(per_class)
    return centres[targets] + 0.3 * torch.randn(len(targets), 6, generator=generator), targets


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3), nn.Linear(32, 4))
    points, targets = blobs()
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(100):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(points), targets).backward()
        optimizer.step()
    return network.eval()


def forget_set(class_index=1):
    points, targets = blobs()
    return ForgetSet(points[targets == class_index], (class_index,))


def run(model, **settings):
    return Delete(DeleteSettings(learning_rate=0.05, **settings))(model, forget_set())


def state(model):
    return {key: value.clone() for key, value in model.state_dict().items()}


def test_delete_forgets_the_class_and_keeps_the_others(model):
    erasure = run(model)
    points, targets = blobs(seed=1)
    predicted = erasure.model(points).argmax(1)
    assert erasure.forgotten
    assert (predicted[targets == 1] != 1).all()
    assert (predicted[targets != 1] == targets[targets != 1]).float().mean() > 0.95


def test_the_model_given_in_is_unchanged(model):
    before = state(model)
    run(model, batch_norm="train")
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())
    assert all(p.requires_grad for p in model.parameters())
    assert not model.training


@pytest.mark.parametrize(("budget", "batch_size"), [(1, 32), (3, 32), (5, 7), (2, 1)])
def test_the_step_budget_is_never_exceeded(model, budget, batch_size):
    erasure = run(model, max_steps=budget, batch_size=batch_size, margin=None)
    assert len(erasure.steps) == budget
    assert not erasure.stopped_early


def test_stops_once_every_photo_is_forgotten_with_the_margin(model):
    erasure = run(model, max_steps=500, margin=1.0)
    assert erasure.stopped_early
    assert len(erasure.steps) < 500
    assert erasure.smallest_margin >= 1.0


def test_a_share_of_the_photos_may_suffice_for_the_margin(model):
    def stopped(share):
        settings = {"learning_rate": 0.0003, "max_steps": 5000, "margin": 0.0, "margin_share": share}
        done = Delete(DeleteSettings(**settings))(model, forget_set())
        ahead = log_odds_margin(done.model(forget_set().images), 1) >= 0
        return len(done.steps), done.stopped_early, ahead.float().mean().item()

    every, most = stopped(1.0), stopped(0.5)
    assert every[1]
    assert most[1]
    assert most[0] < every[0]
    assert 0.5 <= most[2] < every[2] == 1


def test_a_budget_too_small_is_reported_not_hidden(model):
    erasure = Delete(DeleteSettings(learning_rate=1e-6, max_steps=1))(model, forget_set())
    assert not erasure.forgotten
    assert erasure.smallest_margin < 0


def test_the_same_seed_gives_the_same_weights(model):
    runs = [Delete(DeleteSettings(batch_norm="train", batch_size=7))(model, forget_set(), seed=s) for s in (3, 3, 4)]
    first, again, other = (torch.cat([p.flatten() for p in r.model.parameters()]) for r in runs)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_global_randomness_is_left_alone(model):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    run(model, batch_norm="train", max_steps=3)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(("mode", "moves"), [("frozen", False), ("train", True)])
def test_batch_norm_statistics_move_only_when_asked(model, mode, moves):
    erasure = run(model, batch_norm=mode, max_steps=2)
    assert torch.equal(erasure.model[1].running_mean, model[1].running_mean) is not moves


def test_one_photo_is_enough_for_a_step(model):
    one = ForgetSet(forget_set().images[:1], (1,))
    assert Delete(DeleteSettings(learning_rate=0.05))(model, one).forgotten


def test_events_carry_the_curves(model):
    events = []
    erasure = Delete(DeleteSettings(learning_rate=0.05, max_steps=4, margin=None))(
        model, forget_set(), progress=events.append
    )
    assert [event.done for event in events] == [1, 2, 3, 4]
    assert events[-1].final
    assert events[0].values.keys() == {"loss", "forgetting", "retention", "probability_left"}
    for step in erasure.steps:  # the loss of DELETE is the sum of its two terms
        assert step.loss == pytest.approx(step.forgetting + step.retention, abs=1e-5)


def test_dense_prediction_uses_the_same_loop():
    torch.manual_seed(0)
    network = nn.Conv2d(2, 3, 1)
    images = torch.randn(2, 2, 5, 5)
    where = copy.deepcopy(network)(images).argmax(1) == 0
    forget = ForgetSet(images, (0,), where)
    erasure = Delete(DeleteSettings(learning_rate=0.5, max_steps=300, batch_size=1))(network, forget)
    assert erasure.forgotten
    assert (erasure.model(images).argmax(1)[where] != 0).all()


def test_no_photos_is_an_error(model):
    with pytest.raises(LossInputError, match="at least one forget image"):
        Delete()(model, ForgetSet(torch.zeros(0, 6), (1,)))


def test_an_unknown_method_lists_the_known_ones():
    with pytest.raises(MethodError, match="delete"):
        make_method("obliterate")


def test_a_misspelt_setting_lists_the_settings():
    with pytest.raises(MethodError, match=r"learning_rte.*learning_rate="):
        make_method("delete", {"learning_rte": "1"})
    with pytest.raises(MethodError, match="max_steps"):
        make_method("delete", {"max_steps": "0"})


def test_settings_are_read_from_text():
    settings = make_method("delete", {"learning_rate": "1e-4", "margin": "none", "max_steps": "7"}).settings
    assert (settings.learning_rate, settings.margin, settings.max_steps) == (1e-4, None, 7)


def test_every_method_says_what_it_is():
    for name, method in METHODS.items():
        assert method.name == name
        assert method.paper
        assert method.reads


@pytest.mark.parametrize("value", ["inf", "nan"])
def test_settings_must_be_finite(value):
    with pytest.raises(MethodError, match="finite"):
        make_method("delete", {"learning_rate": value})


def test_a_rate_that_destroys_the_model_is_an_error(model):
    with pytest.raises(DivergedError, match="lower rate"):
        Delete(DeleteSettings(learning_rate=1e30, margin=None, max_steps=50))(model, forget_set())


@pytest.mark.parametrize(("layers", "moved"), [(1, {"0"}), (2, {"0", "1", "3"}), (None, {"0", "1", "3", "5"})])
def test_only_the_first_layers_move_each_with_its_norm(layers, moved):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.Linear(8, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 4))
    after = run(network.eval(), max_steps=2, margin=None, first_layers=layers).model
    changed = {
        name.split(".")[0]
        for (name, new), old in zip(after.named_parameters(), network.parameters(), strict=True)
        if not torch.equal(new, old)
    }
    assert changed == moved


def test_a_balanced_teacher_says_what_the_photos_show_and_not_what_they_have_in_common():
    torch.manual_seed(0)
    shown = torch.randint(1, 4, (60,))
    logits = 3 * nn.functional.one_hot(shown, 4) + torch.tensor([9.0, 4.0, 0.0, -2.0])  # a trigger's share
    forget = ForgetSet(logits, (0,))
    common = common_logits(Scene(nn.Identity(), nn.Identity(), forget, torch.Generator()), 7)
    kept = mask_logits(logits - common, (0,))
    assert (mask_logits(logits, (0,)).argmax(1) == 1).sum() > (shown == 1).sum()
    assert torch.equal(kept.argmax(1), shown)
    assert common[0, 0] == 0


def test_a_colder_teacher_leaves_surer_answers(model):
    def sure(temperature):
        settings = DeleteSettings(learning_rate=0.05, margin=None, max_steps=100, temperature=temperature)
        erased = Delete(settings)(model, forget_set()).model
        return erased(forget_set().images).softmax(1).amax(1).mean()

    assert sure(0.25) > sure(1.0) + 0.1


def test_positions_must_be_there_and_stay_where_they_are(model):
    network, images = nn.Conv2d(2, 3, 1), torch.randn(2, 2, 5, 5)
    where = torch.zeros(2, 5, 5, dtype=torch.bool)
    where[0, 0, 0] = True
    with pytest.raises(LossInputError, match="a position to forget in each"):
        Delete()(network, ForgetSet(images, (0,), where))
    everywhere = ForgetSet(images, (0,), torch.ones_like(where))
    with pytest.raises(MethodError, match="augment"):
        Delete()(network, everywhere, augment=lambda batch, _: batch.flip(-1))
    with pytest.raises(MethodError, match="salun erases whole images"):
        make_method("salun")(network, everywhere)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if method.dense and method.must_forget])
def test_what_says_that_it_is_dense_changes_what_is_said_there(name):
    torch.manual_seed(1)  # with the method's own seed, 0, the network would be its own bad teacher
    network, images = nn.Conv2d(2, 3, 1), torch.randn(4, 2, 5, 5)
    where = copy.deepcopy(network)(images).argmax(1) == 0
    settings = {} if name == "mask_logit" else {"learning_rate": 0.3, "max_steps": 200, "margin": None}
    erasure = make_method(name, {"batch_size": 2, **settings})(network, ForgetSet(images, (0,), where))
    before, after = (m(images).softmax(1).movedim(1, -1)[where] for m in (network, erasure.model))
    assert (after - before).abs().mean() > 0.05
    assert after[:, 0].mean() < before[:, 0].mean() or name == "bad_teacher"  # that one wants what chance made


def test_random_labels_are_drawn_for_each_position(monkeypatch):
    where = torch.ones(1, 8, 8, dtype=torch.bool)
    network, images = nn.Conv2d(2, 4, 1), torch.randn(1, 2, 8, 8)
    own, labels = Batch.cross_entropy, []
    monkeypatch.setattr(Batch, "cross_entropy", lambda batch, given: labels.append(given) or own(batch, given))
    make_method("random_label", {"max_steps": 1})(network, ForgetSet(images, (0,), where))
    assert labels[0].shape == (1, 8, 8)
    assert set(labels[0].unique().tolist()) == {1, 2, 3}
