"""Small ONNX files, written byte by byte: the package that usually does it is not needed for it.

Source: onnx.proto, whose field numbers these are.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

_FLOAT, _INT64, _INTS = 1, 7, 7


def save_brightness_network(
    path: Path,
    rows: np.ndarray,
    weights: np.ndarray,
    *,
    shape: Sequence[int | str],
    metadata: Mapping[str, str],
) -> Path:
    """Save a network that gives `rows + brightness × weights`, the mean of its input, 0..1.

    `rows` and `weights` are (values, places), the output (B, values, places).
    """
    nodes = [
        _node("ReduceMean", ["images"], "mean", axes=[1, 2, 3]),  # (B, 1, 1, 1)
        _node("Mul", ["mean", "weights"], "weighted"),
        _node("Add", ["weighted", "rows"], "boxes"),  # (B, 1, values, places)
        _node("Squeeze", ["boxes", "axis"], "output0"),
    ]
    tensors = [
        _tensor("weights", weights[None, None].astype(np.float32), _FLOAT),
        _tensor("rows", rows[None, None].astype(np.float32), _FLOAT),
        _tensor("axis", np.array([1], np.int64), _INT64),
    ]
    graph = b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, b"network"),
            *(_field(5, tensor) for tensor in tensors),
            _field(11, _value("images", shape)),
            _field(12, _value("output0", (shape[0], *rows.shape))),
        ]
    )
    model = _number(1, 8) + _field(7, graph) + _field(8, _number(2, 13))
    for key, value in metadata.items():
        model += _field(14, _field(1, key.encode()) + _field(2, value.encode()))
    path.write_bytes(model)
    return path


def _node(kind: str, inputs: Sequence[str], output: str, axes: Sequence[int] = ()) -> bytes:
    node = b"".join(_field(1, name.encode()) for name in inputs)
    node += _field(2, output.encode()) + _field(4, kind.encode())
    if axes:
        values = b"".join(_number(8, axis) for axis in axes)
        node += _field(5, _field(1, b"axes") + values + _number(20, _INTS))
    return node


def _tensor(name: str, values: np.ndarray, kind: int) -> bytes:
    sizes = b"".join(_number(1, size) for size in values.shape)
    return sizes + _number(2, kind) + _field(8, name.encode()) + _field(9, values.tobytes())


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(
        _field(1, _field(2, size.encode()) if isinstance(size, str) else _number(1, size))
        for size in shape
    )
    return _field(1, name.encode()) + _field(2, _field(1, _number(1, _FLOAT) + _field(2, sizes)))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])
