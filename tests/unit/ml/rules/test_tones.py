import numpy as np
import pytest

from ml.rules.tones import Tones, to_8_bits, tones_between


@pytest.mark.parametrize(
    ("low", "high", "dtype", "black", "white"),
    [
        (0, 255, "u2", 0, 255),
        (3, 256, "u2", 0, 1023),
        (0, 1024, "u2", 0, 4095),
        (0, 4095, "u2", 0, 4095),
        (0, 4096, "u2", 0, 16383),
        (0, 16384, "u2", 0, 65535),
        (0, 65536, "u4", 0, 65536),
        (0, 2**32 - 9, "u4", 0, 2**32 - 1),
        (0, 2**30 + 1, "i4", 0, 2**31 - 1),
        (0, 20_000, "i2", 0, 32767),
        (0, 900, "i2", 0, 1023),
        (-7, 9, "i2", -7, 9),
        (-7, -7, "i2", -7, -6),
        (0.0, 1.0, "f4", 0, 1),
        (0.0, 1.1, "f4", 0, 255),
        (0.0, 300.0, "f4", 0, 65535),
        (-0.5, 0.5, "f4", -0.5, 0.5),
    ],
)
def test_the_smallest_usual_range_is_taken(low, high, dtype, black, white):
    assert tones_between(low, high, np.dtype(dtype)) == Tones(black, white)


@pytest.mark.parametrize("dtype", ["u2", "i4", "f8"])
def test_every_type_is_scaled_alike(dtype):
    values = np.array([0, 1, 2047, 2048, 4095]).astype(dtype)

    # 255 × 2047/4095 = 127.47, 255 × 2048/4095 = 127.53
    assert to_8_bits(values, Tones(0, 4095)).tolist() == [0, 0, 127, 128, 255]


def test_what_lies_outside_is_black_or_white_and_no_number_is_zero():
    values = np.array([-1.0, 2.0, np.nan, -np.inf])

    assert to_8_bits(values, Tones(0, 1)).tolist() == [0, 255, 0, 0]
