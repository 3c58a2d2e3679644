"""The cells of ``benchmarks.delete_on_faces`` are read as they were written."""

from benchmarks.delete_cells import Cell, read, write

NUMBERS = dict.fromkeys(
    ("own", "others", "others_before", "tar_strangers", "tar_strangers_before", "strangers", "strangers_before",
     "tar_own", "tar_own_before", "seconds"),
    0.5,
)  # fmt: skip


def test_a_part_can_be_gone_on_with(tmp_path):
    found = [
        (Cell("one", "web_mobile_0", "delete", ("Ada",)), NUMBERS),
        (Cell("one", "web_mobile_1", "delete", ("Ada",)), NUMBERS | {"own": 0.25}),
        (Cell("at_once", "web_mobile_0", "delete", ("Ada", "Eve")), NUMBERS),
    ]
    write(found, 4, 2, tmp_path)
    assert "3 of 4 cells" in (tmp_path / "delete_on_faces.md").read_text()
    again = read(tmp_path)
    assert again == found
    assert [cell.key for cell, _ in again] == [cell.key for cell, _ in found]
