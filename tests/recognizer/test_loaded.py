"""A model file is read once by a piece of work."""

import pickle

import pytest

from faceforget.errors import ModelFileError
from faceforget.recognizer.loaded import LoadedModels
from faceforget.recognizer.storage import save_recognizer


def test_a_file_is_read_once_and_again_when_it_has_changed(recognizer, names, tmp_path):
    path, models = tmp_path / "model.safetensors", LoadedModels()
    save_recognizer(recognizer, path)
    first = models.load(path)
    assert models.load(str(path)) is first
    save_recognizer(recognizer.without(names[:1]), path)
    assert models.load(path).labels == tuple(names[1:])


def test_what_was_written_need_not_be_read(recognizer, tmp_path):
    path, models = tmp_path / "model.safetensors", LoadedModels()
    save_recognizer(recognizer, path)
    models.know(path, recognizer)
    assert models.load(path) is recognizer


def test_models_before_an_erasure_are_let_go(recognizer, names, tmp_path):
    models, paths = LoadedModels(), [tmp_path / "before.safetensors", tmp_path / "after.safetensors"]
    for path, model in zip(paths, (recognizer, recognizer.without(names[:1])), strict=True):
        save_recognizer(model, path)
        models.know(path, model)
    after = models.load(paths[1])
    models.let_go_of_all_but(paths[1])
    assert models.load(paths[0]) is not recognizer
    assert models.load(paths[1]) is after


def test_models_do_not_travel(recognizer, tmp_path):
    path, models = tmp_path / "model.safetensors", LoadedModels()
    save_recognizer(recognizer, path)
    models.load(path)
    assert len(pickle.dumps(models)) < 200
    assert pickle.loads(pickle.dumps(models)).load(path) is not models.load(path)


def test_a_file_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(ModelFileError):
        LoadedModels().load(tmp_path / "none.safetensors")
