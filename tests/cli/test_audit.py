import json

import pytest

from faceforget.recognizer.storage import save_recognizer


@pytest.fixture(scope="module")
def models(recognizer, names, tmp_path_factory):
    """Before, and after a row was only dropped."""
    folder = tmp_path_factory.mktemp("models")
    save_recognizer(recognizer, folder / "before")
    save_recognizer(recognizer.without([names[0]]), folder / "after")
    return folder / "before", folder / "after"


def test_one_person_and_three_reports(cli, models, people_dir, names, tmp_path):
    """Only the person's photos: rendered people stand in for strangers, and that is said."""
    outputs = [tmp_path / name for name in ("audit.json", "audit.html", "audit.pdf")]
    code, text, _ = cli(
        "audit", *models, "--person", names[0], "--photos", people_dir / names[0],
        "--json", outputs[0], "--html", outputs[1], "--pdf", outputs[2],
    )  # fmt: skip
    assert code == 0
    words = " ".join(text.split())
    assert "The features still know this person" in words
    assert "Unrecognisable" in words
    content = json.loads(outputs[0].read_text())
    assert content["stand_ins"] == ["strangers"]
    # Six photos are too few to say that none would be named, and the old row names them: not even a script takes that
    # for a pass. Nobody who stays was shown: that others were kept was judged on rendered people only.
    assert content["verdict"]["forgotten"] == "too few photos to say"
    assert content["verdict_reasons"]["others_kept"] == "judged on rendered people only"
    assert "Forgotten too few photos to say: 6 photos" in words
    assert "Others kept not measured: judged on rendered people only; --retained would measure it" in words
    assert names[0].replace("_", " ") in outputs[1].read_text()
    assert outputs[2].read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("option", ["--html", "--pdf", "--json"])
def test_a_report_never_overwrites_a_model(cli, models, people_dir, names, option):
    code, _, message = cli("audit", *models, "--person", names[0], "--photos", people_dir / names[0], option, models[0])
    assert code == 2
    assert "named for two files" in message


def test_two_reports_in_one_file(cli, models, people_dir, names, tmp_path):
    same = tmp_path / "report"
    code, _, message = cli(
        "audit", *models, "--person", names[0], "--photos", people_dir / names[0], "--html", same, "--pdf", same
    )
    assert code == 2
    assert "named for two files" in message
