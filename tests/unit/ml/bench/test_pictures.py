import numpy as np
from PIL import Image

from ml.bench.pictures import first_pictures, network_pictures


def test_unreadable_files_do_not_count(folder):
    (folder / "0.png").write_bytes(b"no picture")

    assert [name for name, _ in first_pictures(folder, 1)] == ["1.png"]


def test_networks_get_as_many_as_asked_for_over_again(folder):
    images = network_pictures(folder, 5)

    first, second = (np.asarray(image) for _, image in first_pictures(folder, 2))
    assert len(images) == 5
    for index, image in enumerate(images):
        assert np.array_equal(np.asarray(image), (first, second)[index % 2])


def test_networks_get_no_side_above_1024_px(tmp_path):
    Image.new("RGB", (2048, 512)).save(tmp_path / "wide.png")

    assert [image.size for image in network_pictures(tmp_path, 1)] == [(1024, 256)]
