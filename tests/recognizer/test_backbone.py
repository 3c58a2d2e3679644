import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file

from faceforget.errors import BackboneError
from faceforget.recognizer.backbone import BACKBONES, Embedder, load_backbone
from faceforget.recognizer.backbones import mobile as module
from faceforget.recognizer.backbones.facenet import SPEC as FACENET
from faceforget.recognizer.backbones.mobile import SPEC as MOBILE
from faceforget.recognizer.foreign import NAMES
from faceforget.recognizer.mobilefacenet import MobileFaceNet


def test_mobilefacenet_has_a_million_parameters_and_128_values():
    network = MobileFaceNet().eval()
    assert 0.9e6 < sum(p.numel() for p in network.parameters()) < 1.1e6
    assert network(torch.zeros(2, 3, 112, 112)).shape == (2, 128)


def test_weights_of_another_origin_fit_key_for_key(real_weights):
    loaded = load_backbone(real_weights)
    assert loaded.spec is MOBILE
    assert "sha256:" in loaded.origin


@pytest.mark.parametrize("change", [lambda v: v, torch.Tensor.half])
def test_single_and_half_precision_files(backbone_file, tmp_path, change):
    weights = {k: change(v) if v.is_floating_point() else v for k, v in load_file(backbone_file).items()}
    save_file(weights, tmp_path / "weights.safetensors")
    loaded = load_backbone(tmp_path / "weights.safetensors")
    assert all(p.dtype == torch.float32 for p in loaded.network.parameters())


def test_step_counters_may_be_missing(backbone_file, tmp_path):
    weights = {k: v for k, v in load_file(backbone_file).items() if "num_batches" not in k}
    save_file(weights, tmp_path / "weights.safetensors")
    assert load_backbone(tmp_path / "weights.safetensors").spec is MOBILE


def test_a_facenet_file_is_recognised_by_its_shapes(tmp_path):
    network = FACENET.build()
    weights = {
        **network.state_dict(),
        "logits.weight": torch.zeros(8631, 512),
        "logits.bias": torch.zeros(8631),
    }
    torch.save(weights, tmp_path / "vggface2.pt")
    loaded = load_backbone(tmp_path / "vggface2.pt")
    assert loaded.spec is FACENET
    embedder = Embedder(loaded.spec, loaded.network)
    assert embedder(torch.rand(1, 3, 160, 160)).shape == (1, 512)


@pytest.mark.parametrize("name", ["resnet50", "no/such/file.safetensors"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(BackboneError, match=", ".join(NAMES)):
        load_backbone(name)


@pytest.mark.parametrize("name", BACKBONES)
def test_a_backbone_is_called_as_its_file(name):
    assert BACKBONES[name].name == name


def test_a_backbone_whose_weights_users_bring_says_so(monkeypatch):
    monkeypatch.setitem(BACKBONES, "mobile", replace(MOBILE, weights=None))
    with pytest.raises(BackboneError, match="mobile comes without weights"):
        load_backbone("mobile")


def test_mobile_has_one_file_of_weights():
    with pytest.raises(BackboneError, match="no weights called 'large'"):
        load_backbone("mobile:large")


def test_unknown_facenet_weights_list_the_known_ones():
    with pytest.raises(BackboneError, match="vggface2, casia-webface"):
        load_backbone("facenet:imagenet")


def test_missing_shipped_weights_say_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "SHIPPED_MOBILE", tmp_path / "mobile.safetensors")
    with pytest.raises(BackboneError, match="as backbone instead"):
        load_backbone("mobile")


class Attack:
    def __reduce__(self):
        return (print, ("code ran",))


def test_code_in_a_weights_file_does_not_run(tmp_path, capsys):
    (tmp_path / "bad.pt").write_bytes(pickle.dumps({"conv1": Attack()}))
    with pytest.raises(BackboneError):
        load_backbone(tmp_path / "bad.pt")
    assert "code ran" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("net.onnx", b"\x08\x07\x12\x07pytorch", "ONNX, which is not read yet"),
        ("net.pt", pickle.dumps({"conv1": Attack()}), "looks like a pickle"),
        ("net.pt", b"PK\x03\x04 torn", "looks like a zip archive or a file of PyTorch"),
        ("net.pt", b"\xff\xd8\xff\xe0", "looks like a JPEG photo"),
        ("net.safetensors", b"", "looks like an empty file"),
        ("net.safetensors", b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS"),
    ],
)
def test_what_torch_advises_about_a_foreign_file_is_not_passed_on(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BackboneError, match=expected) as caught:
        load_backbone(tmp_path / name)
    for word in ("weights_only", "pickle_module", "torch.load", "trust"):
        assert word not in str(caught.value)


def test_files_that_are_not_weights(tmp_path, photo):
    (tmp_path / "text.safetensors").write_text("hello")
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    torch.save([1, 2], tmp_path / "list.pt")
    for path in (*sorted(tmp_path.iterdir()), photo):
        with pytest.raises(BackboneError):
            load_backbone(path)


def test_the_shipped_weights_are_the_projects_own_and_whole():
    loaded = load_backbone("mobile")
    assert loaded.spec is MOBILE
    assert module.SHIPPED_MOBILE.stat().st_size <= 2.3e6


def test_changed_shipped_weights_are_refused(monkeypatch, tmp_path):
    path = tmp_path / "mobile.safetensors"
    path.write_bytes(module.SHIPPED_MOBILE.read_bytes()[:-1] + b"x")
    (tmp_path / "mobile.safetensors.sha256").write_text(
        module.SHIPPED_MOBILE.with_name("mobile.safetensors.sha256").read_text()
    )
    monkeypatch.setattr(module, "SHIPPED_MOBILE", path)
    with pytest.raises(BackboneError, match="SHA-256"):
        load_backbone("mobile")
