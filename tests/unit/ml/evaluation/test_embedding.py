import hashlib

import numpy as np
import pytest
from PIL import Image

from ml.errors import EvaluationDataInvalid, MlError
from ml.evaluation.copies.plan import copies
from ml.evaluation.embedding import embed
from ml.evaluation.images import EvaluationImage, read_image
from tests import fakes
from tests.fakes import GridEncoder
from tests.unit.ml.evaluation import folders


def images_of(folder, names, **fields):
    return [
        EvaluationImage(name, folder / name, subject=name, unit=name, **fields) for name in names
    ]


def pictures(folder, *names):
    for number, name in enumerate(names):
        folders.save(folders.subject((40 * number, 90, 200 - 30 * number)), folder / name)
    return images_of(folder, names)


def test_rows_are_in_the_images_order_whatever_the_files_order(tmp_path):
    images = pictures(tmp_path, "c.png", "a.png", "b.png", "e.png", "d.png")

    found = embed(images, [GridEncoder()], batch_size=2)

    expected = [fakes.embed(Image.open(image.path)) for image in images]
    assert np.array_equal(found.embeddings[0], expected)
    assert found.is_readable.tolist() == [True] * 5
    assert found.sha256[1] == hashlib.sha256((tmp_path / "a.png").read_bytes()).hexdigest()


def test_every_image_is_embedded_once_in_whole_batches(tmp_path):
    first, second = GridEncoder(), GridEncoder()

    found = embed(pictures(tmp_path, "1.png", "2.png", "3.png"), [first, second], batch_size=2)

    assert first.batches == second.batches == [2, 1]
    assert np.array_equal(*found.embeddings)


def test_images_of_one_file_are_made_of_it(tmp_path):
    (image,) = pictures(tmp_path, "a.png")
    dark = EvaluationImage(
        "dark", image.path, "a.png", "a.png", make=lambda picture: picture.point(lambda _: 0)
    )

    found = embed([image, dark], [GridEncoder()], batch_size=16)

    assert np.array_equal(found.embeddings[0][1], fakes.embed(Image.new("RGB", (32, 32))))
    assert read_image(dark).getpixel((0, 0)) == (0, 0, 0)


def refuse(_):
    raise MlError("nothing can be made of it")


def test_what_cannot_be_read_is_named_and_left_out(tmp_path):
    images = pictures(tmp_path, "good.png", "damaged.png", "folder.png")
    images[1].path.write_bytes(images[1].path.read_bytes()[:60])
    images[2].path.unlink()
    images[2].path.mkdir()
    images += images_of(tmp_path, ["absent.png"])
    images += [EvaluationImage("unmade", images[0].path, "x", "x", make=refuse)]

    found = embed(images, [GridEncoder()], batch_size=2)

    assert found.is_readable.tolist() == [True, False, False, False, False]
    assert [each.name for each in found.unreadable] == [
        "damaged.png",
        "folder.png",
        "absent.png",
        "unmade",
    ]
    reasons = [each.reason for each in found.unreadable]
    assert "damaged" in reasons[0]
    assert reasons[2:] == [
        "The file cannot be read: No such file or directory.",
        "nothing can be made of it",
    ]
    assert not found.embeddings[0][1:].any()


def test_a_copy_whose_other_picture_is_gone_is_left_out(tmp_path, rng):
    data = folders.media(tmp_path, count=1, bands={"photo": 0})
    plan = copies(data, rng=rng)
    (data / "photo" / "leaf" / "0.png").unlink()

    found = embed(plan.images, [GridEncoder()], batch_size=8)

    names = {each.name for each in found.unreadable if "apple" in each.name}
    assert names == {f"photo/apple/0.png (inside{share})" for share in (50, 25, 10)}


def test_nothing_readable_is_refused(tmp_path):
    with pytest.raises(EvaluationDataInvalid, match=r"None of the 1 pictures can be read; a\.png"):
        embed(images_of(tmp_path, ["a.png"]), [GridEncoder()], batch_size=2)


def test_a_failing_encoder_is_not_the_pictures_fault(tmp_path):
    encoder = GridEncoder(fault=lambda _: MlError("out of order"))

    with pytest.raises(MlError, match="out of order"):
        embed(pictures(tmp_path, "a.png"), [encoder], batch_size=2)


def test_the_data_hash_is_of_names_subjects_and_files_alone(tmp_path):
    images = pictures(tmp_path, "a.png", "b.png")

    def digest(*chosen):
        return embed(chosen, [GridEncoder()], batch_size=2).data_sha256

    whole = digest(*images)
    assert digest(*reversed(images)) == whole
    assert digest(images[0]) != whole
    assert digest(images[0], EvaluationImage("b.png", images[1].path, "other", "b.png")) != whole
    folders.save(folders.subject((1, 2, 3)), images[1].path)
    assert digest(*images) != whole
