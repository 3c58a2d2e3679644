"""The worlds of the benchmark of ruined models are of the people that their names say."""

from benchmarks.data import ROOT, people_with
from benchmarks.health import ONE_AT_A_TIME, cells, worlds
from faceforget.progress import silent


def test_half_of_everybodys_photos_are_asked_about(tmp_path):
    world = worlds(tmp_path, silent)["rendered, mobile"]
    photos = people_with(ROOT / "datasets" / "people", 12)
    assert len(world.names) == 18
    for name in world.names:
        assert world.photos["train"][name] == photos[name][:6]
        assert world.photos["unseen"][name] == photos[name][6:12]


def test_few_people_are_erased_one_at_a_time_alone(tmp_path):
    rendered = {"rendered, mobile": worlds(tmp_path, silent)["rendered, mobile"]}
    assert [(cell.method, len(cell.people)) for cell in cells(rendered)] == [(method, 1) for method in ONE_AT_A_TIME]
