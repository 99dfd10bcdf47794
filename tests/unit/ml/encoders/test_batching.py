import numpy as np
import pytest
import torch
from PIL import Image

from ml.encoders.base import EncoderSpec, PreprocessConfig
from ml.encoders.batching import TorchEncoder
from ml.encoders.whitening import Whitening
from ml.errors import NonFiniteEmbedding, OutOfDeviceMemory

SPEC = EncoderSpec(
    name="mean_colour",
    weights="none",
    weights_sha256="0" * 64,
    dim=3,
    preprocess=PreprocessConfig(
        size_px=4,
        resize="squash",
        resize_px=4,
        interpolation="bilinear",
        mean=(0.5, 0.25, 0.125),
        std=(0.5, 2.0, 1.0),
    ),
    precision="float32",
)


class MeanColour(torch.nn.Module):
    """Its embedding is the mean of each channel; it remembers the sizes of its batches."""

    def __init__(self) -> None:
        super().__init__()
        self.batch_sizes = []

    def forward(self, inputs):
        self.batch_sizes.append(len(inputs))
        return inputs.mean(dim=(2, 3))


class Small(MeanColour):
    """It has the memory for so many pictures."""

    def __init__(self, *, fits: int) -> None:
        super().__init__()
        self.fits = fits

    def forward(self, inputs):
        means = super().forward(inputs)
        if len(inputs) > self.fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return means


class Raising(torch.nn.Module):
    def forward(self, inputs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")


class Constant(torch.nn.Module):
    def __init__(self, value: float) -> None:
        super().__init__()
        self.value = value

    def forward(self, inputs):
        return torch.tensor([[1.0, 2.0, self.value]]).repeat(len(inputs), 1)


class Zero(torch.nn.Module):
    def forward(self, inputs):
        return torch.zeros(len(inputs), 3)


def encoder_of(
    network: torch.nn.Module, *, batch_size: int = 4, whitening: Whitening | None = None
) -> TorchEncoder:
    return TorchEncoder(
        SPEC,
        network,
        whitening=whitening,
        device=torch.device("cpu"),
        dtype=torch.float32,
        batch_size=batch_size,
    )


def flat(*colour: int) -> Image.Image:
    return Image.new("RGB", (5, 7), colour)


def test_pixels_are_scaled_then_shifted_then_divided():
    (embedding,) = encoder_of(MeanColour()).encode([flat(255, 0, 51)])

    expected = np.array([(1.0 - 0.5) / 0.5, (0.0 - 0.25) / 2.0, (0.2 - 0.125) / 1.0])
    assert embedding == pytest.approx(expected / np.linalg.norm(expected), abs=1e-6)


@pytest.mark.parametrize(
    ("pictures", "batch_sizes"),
    [(0, []), (1, [1]), (4, [4]), (5, [4, 1]), (11, [4, 4, 3])],
    ids=str,
)
def test_batches_are_full_but_the_last(pictures, batch_sizes):
    network = MeanColour()

    embeddings = encoder_of(network).encode([flat(9, 9, 9)] * pictures)

    assert network.batch_sizes == batch_sizes
    assert (embeddings.dtype, embeddings.shape) == (np.float32, (pictures, 3))


def test_too_little_device_memory_is_our_error_with_the_batch():
    with pytest.raises(OutOfDeviceMemory) as error:
        encoder_of(Raising()).encode([flat(1, 2, 3)] * 3)

    assert error.value.code == "ml:out-of-device-memory"
    assert error.value.context == {"device": "cpu", "batch_size": 1}


def test_a_batch_that_does_not_fit_is_halved_for_good():
    network = Small(fits=2)
    encoder = encoder_of(network, batch_size=8)
    colours = [flat(number, 0, 0) for number in range(11)]

    first = encoder.encode(colours)
    second = encoder.encode(colours[:3])

    assert network.batch_sizes == [8, 4, 2, 2, 2, 2, 2, 1, 2, 1]
    assert first == pytest.approx(encoder_of(MeanColour()).encode(colours), abs=1e-6)
    assert np.array_equal(second, first[:3])


def test_on_a_device_eight_batches_at_once_are_tried_at_the_start():
    # given: a device of no memory at all, whose tensors have shapes alone
    network = Small(fits=5)

    with pytest.raises(RuntimeError, match="meta"):  # nothing can be read of it
        TorchEncoder(SPEC, network, device=torch.device("meta"), dtype=torch.float32, batch_size=2)

    assert network.batch_sizes == [16, 8, 4]


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(Constant(float("nan")), id="nan"),
        pytest.param(Constant(float("inf")), id="inf"),
        pytest.param(Zero(), id="zero"),
    ],
)
def test_an_embedding_that_no_search_can_use_is_refused(network):
    with pytest.raises(NonFiniteEmbedding) as error:
        encoder_of(network).encode([flat(1, 2, 3)])

    assert error.value.code == "ml:non-finite-embedding"


@pytest.mark.parametrize("batch_size", [0, -1])
def test_a_batch_holds_at_least_one_picture(batch_size):
    with pytest.raises(ValueError, match="at least 1"):
        encoder_of(MeanColour(), batch_size=batch_size)


def test_rows_are_whitened_before_they_are_made_unit():
    centre, projection = torch.tensor([0.1, 0.2, 0.3]), torch.diag(torch.tensor([1.0, 0.5, 0.25]))
    encoder = encoder_of(Constant(1.0), whitening=Whitening(centre, projection))

    embeddings = encoder.encode([Image.new("RGB", (4, 4))] * 3)

    # of (1, 2, 1) the square roots, whose squares add up to 4
    rooted = np.array([1, 2**0.5, 1]) / 2
    moved = (rooted - [0.1, 0.2, 0.3]) * [1, 0.5, 0.25]
    expected = moved / np.sqrt((moved**2).sum())
    assert embeddings == pytest.approx(np.tile(expected, (3, 1)), abs=1e-5)


@pytest.mark.parametrize("network", [Zero(), Constant(float("nan")), Constant(float("inf"))])
def test_a_whitening_hides_no_useless_output(network):
    encoder = encoder_of(network, whitening=Whitening(torch.full((3,), 0.1), torch.eye(3)))

    with pytest.raises(NonFiniteEmbedding):
        encoder.encode([flat(1, 2, 3)])


def test_a_whitening_that_leaves_nothing_is_refused():
    encoder = encoder_of(Constant(1.0), whitening=Whitening(torch.zeros(3), torch.zeros(3, 3)))

    with pytest.raises(NonFiniteEmbedding):
        encoder.encode([flat(1, 2, 3)])
