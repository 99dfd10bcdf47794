import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from ml.errors import RuntimeFailed
from ml.runtime.library import openvino, ops
from ml.runtime.network import CompiledNetwork
from ml.runtime.precision import native

SIDE = 4


def means_and_sums() -> openvino.Model:
    """(B, 4, 4, 3) uint8 → (B, 3) means of the channels, (B,) their sum; all in float32."""
    pixels = ops.parameter([-1, SIDE, SIDE, 3], np.uint8)
    means = ops.reduce_mean(ops.convert(pixels, np.float32), np.array([1, 2]), keep_dims=False)
    sums = ops.reduce_sum(means, np.array([1]), keep_dims=False)
    return openvino.Model([means, sums], [pixels], "means")


def product_of(factor: float) -> openvino.Model:
    """(B, 4, 4, 3) uint8 → (B, 1): a product of matrices, which bfloat16 rounds."""
    pixels = ops.parameter([-1, SIDE, SIDE, 3], np.uint8)
    flat = ops.reshape(ops.convert(pixels, np.float32), np.array([-1, SIDE * SIDE * 3]), False)
    weights = np.full((SIDE * SIDE * 3, 1), factor, np.float32)
    return openvino.Model([ops.matmul(flat, weights, False, False)], [pixels], "product")


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 21])
def test_any_number_of_pictures_gives_a_row_each_in_their_order(rng, count, threads):
    pixels = rng.integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)

    network = CompiledNetwork(means_and_sums(), precision="float32", threads=threads)
    means, sums = network.run(pixels)

    expected = np.array([[each[..., channel].mean() for channel in range(3)] for each in pixels])
    assert (means.shape, sums.shape) == ((count, 3), (count,))
    assert means == pytest.approx(expected, rel=1e-6)
    assert sums == pytest.approx(expected.sum(axis=1), rel=1e-6)


def test_the_pixels_are_not_changed_and_need_not_lie_side_by_side(rng):
    pixels = rng.integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)
    before = pixels.copy()
    network = CompiledNetwork(means_and_sums(), precision="float32")

    every_second, _ = network.run(pixels[::2])

    assert np.array_equal(pixels, before)
    assert np.array_equal(every_second, network.run(before[[0, 2, 4]])[0])


def test_what_was_returned_stays_when_the_network_runs_again(rng):
    network = CompiledNetwork(means_and_sums(), precision="float32")
    first, _ = network.run(np.full((1, SIDE, SIDE, 3), 7, np.uint8))

    network.run(np.full((1, SIDE, SIDE, 3), 200, np.uint8))

    assert first.tolist() == [[7, 7, 7]]


def test_several_threads_may_run_it_at_once(rng):
    network = CompiledNetwork(means_and_sums(), precision="float32", threads=1)
    together = threading.Barrier(4)

    def run(value: int) -> list[float]:
        together.wait()
        found = []
        for count in (1, 8, 5):
            means, _ = network.run(np.full((count, SIDE, SIDE, 3), value, np.uint8))
            found += means.ravel().tolist()
        return found

    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(run, (10, 20, 30, 40)))

    assert [set(found) for found in results] == [{10.0}, {20.0}, {30.0}, {40.0}]


def test_float32_is_not_rounded_to_what_the_runtime_would_choose():
    pixels = np.ones((1, SIDE, SIDE, 3), np.uint8)

    [[[product]]] = CompiledNetwork(product_of(1.003), precision="float32").run(pixels)

    assert product == pytest.approx(48 * 1.003, rel=1e-6)


@pytest.mark.skipif(native() != "bfloat16", reason="this CPU has no bfloat16")
def test_bfloat16_rounds_to_eight_bits():
    pixels = np.ones((1, SIDE, SIDE, 3), np.uint8)

    [[[product]]] = CompiledNetwork(product_of(1.003), precision="bfloat16").run(pixels)

    assert product == pytest.approx(48, rel=1e-6)


def test_a_graph_that_the_runtime_refuses_is_an_error_of_ours():
    pixels = ops.parameter([-1, SIDE, SIDE, 3], np.uint8)
    flat = ops.reshape(pixels, np.array([2, -1]), False)  # a batch of one cannot be halved evenly
    refused = openvino.Model([ops.reshape(flat, np.array([7, -1]), False)], [pixels], "odd")

    network = CompiledNetwork(refused, precision="float32")

    with pytest.raises(RuntimeFailed) as caught:
        network.run(np.zeros((1, SIDE, SIDE, 3), np.uint8))

    assert caught.value.code == "ml:runtime-failed"
    assert str(caught.value).startswith("The network was not compiled: ")


def test_threads_are_not_pinned_to_cores_that_other_processes_pin_theirs_to():
    network = CompiledNetwork(means_and_sums(), precision="float32", threads=1)

    [compiled] = network._compile()

    assert compiled.get_property("ENABLE_CPU_PINNING") is False
