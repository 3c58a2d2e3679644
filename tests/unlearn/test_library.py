"""The library as a researcher meets it: three lines, on networks and data that it has never seen."""

import inspect
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset
from torchvision import models

from faceforget.errors import MethodError
from faceforget.unlearn import METHODS, Anchored, Delete, InputDataError, LossInputError, make_method
from faceforget.unlearn.data import ForgetSet

SIZE, CLASSES = 32, 10


def with_a_head(transformer):
    """torchvision lets a transformer begin with a last layer of zeros, which says the same of everything."""
    nn.init.normal_(transformer.heads.head.weight, std=0.1)
    return transformer


NETWORKS = {
    "resnet18": lambda: models.resnet18(num_classes=CLASSES),
    "vgg16": lambda: models.vgg16(num_classes=CLASSES),
    "vit_b_16": lambda: with_a_head(models.vit_b_16(num_classes=CLASSES, image_size=SIZE)),
}
READ = ("nothing", "forget photos")


class Pictures(Dataset):
    """Six pictures of class 7, made when they are read, which is counted."""

    def __init__(self, classes=(7,) * 6):
        self.classes = classes
        self.read = []

    def __len__(self):
        return len(self.classes)

    def __getitem__(self, index):
        self.read.append(index)
        return torch.randn(3, SIZE, SIZE, generator=torch.Generator().manual_seed(index)), self.classes[index]


class Targeted(Pictures):
    """One that says its classes by itself, as torchvision's data sets do."""

    @property
    def targets(self):
        return list(self.classes)


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    return NETWORKS[request.param]().eval()


def layout(model):
    return {key: value.shape for key, value in model.state_dict().items()}, [type(part) for part in model.modules()]


def test_three_lines_on_a_network_of_torchvision(network):
    forget = DataLoader(Pictures(), batch_size=3)
    erasure = Delete(learning_rate=1e-3, max_steps=3, margin=None)(network, forget, classes=7)
    assert [step.step for step in erasure.steps] == [1, 2, 3]
    assert layout(erasure.model) == layout(network)
    assert 0 <= erasure.probability_left <= 1


def test_anchored_keeps_modules_and_keys_of_a_network_of_torchvision(network):
    forget = DataLoader(Pictures(), batch_size=3)
    erasure = Anchored()(network, forget, classes=7)
    assert layout(erasure.model) == layout(network)
    assert erasure.forgotten


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=4), nn.BatchNorm2d(8), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, CLASSES),
    ).eval()  # fmt: skip


def small_settings(name):
    shared = {"max_steps": 2} if "max_steps" in METHODS[name].settings_type.model_fields else {}
    return make_method(name, shared)


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.structure])
def test_modules_and_keys_stay_unless_the_method_says_otherwise(name, small, anchors):
    images, labels = torch.stack([Pictures()[i][0] for i in range(6)]), torch.full((6,), 7)
    others = TensorDataset(images, torch.arange(6))
    erasure = small_settings(name)(small, (images, labels), classes=7, retain=others, anchors=anchors)
    assert layout(erasure.model) == layout(small)


@pytest.mark.parametrize("name", [n for n, m in METHODS.items() if set(m.reads) <= set(READ)])
def test_a_loader_gives_the_same_as_a_tensor(name, small, weights):
    """Read batch by batch, in the method's own order; sums of other batches round otherwise."""
    pictures = Pictures()
    images = torch.stack([pictures[i][0] for i in range(6)])
    method = make_method(name, {**small_settings(name).settings.model_dump(exclude_unset=True), "batch_size": 2})
    tensor = method(small, images, classes=7)
    loader = method(small, DataLoader(pictures, batch_size=4, shuffle=True), classes=7)
    assert torch.allclose(weights(tensor.model), weights(loader.model), atol=1e-5)


@pytest.fixture
def anchors():
    return torch.randn(12, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def test_images_are_read_batch_by_batch_and_never_all_kept(small):
    pictures = Targeted()
    Delete(max_steps=2, margin=None)(small, DataLoader(pictures, batch_size=2), classes=7)
    # The check of the head, two steps of two, and the measurement of all six at the end.
    assert len(pictures.read) <= 2 + 2 * 2 + 6


def test_a_loader_says_the_batch_size_unless_the_settings_do(small):
    pictures = Pictures()
    loader = DataLoader(pictures, batch_size=2)
    assert len(Delete(max_steps=3, margin=None)(small, loader, classes=7).steps) == 3
    assert Delete(batch_size=6)._with_batches_of(loader).settings.batch_size == 6
    assert Delete()._with_batches_of(loader).settings.batch_size == 2


def test_workers_of_a_loader_read_the_batches(small, weights):
    alone = Delete(max_steps=3)(small, DataLoader(Pictures(), batch_size=2), classes=7)
    helped = Delete(max_steps=3)(small, DataLoader(Pictures(), batch_size=2, num_workers=2), classes=7)
    assert torch.equal(weights(alone.model), weights(helped.model))


class Stream(IterableDataset):
    """What has no indices."""

    def __iter__(self):
        pictures = Pictures()
        return (pictures[i] for i in range(6))


@pytest.mark.parametrize(
    "data",
    [
        Pictures(),
        Subset(Pictures(), [0, 2, 3]),
        Subset(Targeted((7, 1, 7, 7)), [0, 2, 3]),
        DataLoader(Stream(), batch_size=4),
        [(torch.zeros(2, 3, SIZE, SIZE), torch.tensor([7, 7])), (torch.zeros(1, 3, SIZE, SIZE), torch.tensor([7]))],
        [torch.zeros(2, 3, SIZE, SIZE)],
        TensorDataset(torch.zeros(2, 3, SIZE, SIZE), torch.tensor([7, 7])),
        (torch.zeros(2, 3, SIZE, SIZE), torch.tensor([7, 7])),
    ],
    ids=["data set", "part", "part with targets", "stream", "batches", "images alone", "tensors", "pair"],
)  # fmt: skip
def test_takes_whatever_images_come_in(data, small):
    assert len(Delete(max_steps=1)(small, data, classes=7).steps) == 1


@pytest.mark.parametrize("data", [Pictures((7, 7, 3)), Targeted((7, 7, 3)), DataLoader(Pictures((7, 7, 3)))])
def test_images_of_other_classes_are_refused(data, small):
    with pytest.raises(MethodError, match=r"classes \[7\] alone, got 1 of 3"):
        Delete()(small, data, classes=7)


def test_several_classes_by_the_labels_of_the_data(small):
    erasure = make_method("salun", {"max_steps": 2})(small, Pictures((7, 2, 7, 2)), classes=[7, 2])
    assert len(erasure.steps) == 2
    with pytest.raises(MethodError, match="label per"):
        make_method("salun")(small, torch.zeros(2, 3, SIZE, SIZE), classes=[7, 2])


@pytest.mark.parametrize("data", [7, object(), [{"pixel_values": torch.zeros(1, 3, SIZE, SIZE)}], [["a.jpg"]]])
def test_what_is_no_image_is_refused(data, small):
    with pytest.raises(InputDataError, match="Expected images"):
        Delete()(small, data, classes=7)


@pytest.mark.parametrize("data", [torch.zeros(0, 3, SIZE, SIZE), Pictures(())])
def test_nothing_is_refused(data, small):
    with pytest.raises(LossInputError, match="got none"):
        Delete()(small, data, classes=7)


def test_classes_are_said_once(small):
    images = torch.zeros(2, 3, SIZE, SIZE)
    with pytest.raises(MethodError, match="Expected the classes"):
        Delete()(small, images)
    with pytest.raises(MethodError, match="says itself"):
        Delete()(small, ForgetSet(images, (7,)), classes=7)


def test_the_caller_chooses_the_optimiser(small, weights):
    seen = []

    def adam(parameters):
        seen.extend(parameters)
        return torch.optim.Adam(seen, lr=1e-3)

    erasure = Delete(max_steps=2)(small, Pictures(), classes=7, optimizer=adam)
    assert len(seen) == len(list(small.parameters()))
    assert not torch.equal(weights(erasure.model), weights(Delete(max_steps=2)(small, Pictures(), classes=7).model))
    with pytest.raises(MethodError, match="no steps of an optimiser"):
        Anchored()(small, Pictures(), classes=7, optimizer=adam)


def test_computes_on_the_device_asked_for_and_comes_home(small):
    erasure = Delete(max_steps=1)(small, Pictures(), classes=7, device="cpu")
    assert {parameter.device.type for parameter in erasure.model.parameters()} == {"cpu"}
    with pytest.raises((RuntimeError, AssertionError)):
        Delete(max_steps=1)(small, Pictures(), classes=7, device="cuda:99")


def test_global_randomness_is_left_alone_by_loaders(small):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    Delete(max_steps=1)(small, DataLoader(Pictures(), batch_size=2, shuffle=True), classes=7)
    assert torch.equal(torch.rand(3), expected)


def test_misspelt_hyperparameters_are_told_with_those_that_there_are():
    with pytest.raises(MethodError, match=r"learning_rat.*there is no such field.*learning_rate=0\.0002"):
        Delete(learning_rat=1e-3)


@pytest.mark.parametrize("name", METHODS)
def test_hyperparameters_are_parameters_that_an_editor_shows(name):
    shown = inspect.signature(METHODS[name]).parameters
    assert list(shown) == list(METHODS[name].settings_type.model_fields)


def test_it_is_torch_only():
    """Importing the library loads nothing of faces, files or front ends: what a researcher does not need."""
    script = "import sys, faceforget.unlearn; print(' '.join(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(ran.stdout.split())
    foreign = {"cv2", "PIL", "facenet_pytorch", "streamlit", "typer", "safetensors", "sklearn", "matplotlib", "fastapi"}
    assert not foreign & loaded
    rooms = {name.split(".")[1] for name in loaded if name.startswith("faceforget.")}
    assert rooms == {"unlearn", "compute", "errors", "fields", "progress"}
