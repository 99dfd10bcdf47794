from ml.images.files import list_pictures

PICTURES = ["B/deep/er/one.webp", "a.JPG", "b.heic", "c.tiff"]
OTHERS = [".hidden.png", ".thumbnails/a.png", "b/.trash/c.png", "notes.txt", "jpg", "a.jpg.part"]


def test_pictures_are_found_at_any_depth_in_order(tmp_path):
    for name in [*reversed(PICTURES), *OTHERS]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    found = [path.relative_to(tmp_path).as_posix() for path in list_pictures(tmp_path)]

    assert found == PICTURES


def test_a_folder_that_is_not_there_has_none(tmp_path):
    assert list_pictures(tmp_path / "nowhere") == []
