"""EfficientNet-lite as the inference runtime builds it, from the weights alone: no torch.

`efficientnet` has the same network for training; tests hold the two together.

Source: Tan, Le, "EfficientNet", ICML 2019, tables 1 and 2; the lite variants of its release have
ReLU6 and no squeeze-and-excitation.
"""

from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from ml.encoders.base import EncoderSpec, PreprocessConfig
from ml.encoders.checkpoint_files import DAMAGE, WHITENING, read_config, weights_file
from ml.encoders.compiled import CompiledEncoder, WhiteningArrays
from ml.errors import CheckpointMismatch
from ml.runtime.library import openvino, ops
from ml.runtime.network import CompiledNetwork
from ml.runtime.precision import Precision
from ml.weights.files import sha256_of

Weights = Mapping[str, NDArray[np.floating]]

# By timm's names: blocks of each stage, and channels behind the last. The stem and its neighbours
# are the same in all.
_NETWORKS = {
    "tf_efficientnet_lite0": ((1, 2, 2, 3, 3, 4, 1), 320),
    "tf_efficientnet_lite1": ((1, 3, 3, 4, 4, 5, 1), 320),
    "tf_efficientnet_lite2": ((1, 3, 3, 4, 4, 5, 1), 352),
}
# Of each stage's first block; in all others it is 1.
_STAGE_STRIDES = (1, 2, 2, 2, 1, 2, 1)
_STEM_STRIDE = 2
_MAX_ACTIVATION = 6.0
# From 0. What the first layers round is carried through all others: see ADR 0014.
_LAST_STAGE_IN_FLOAT32 = 0


def load_encoder(
    folder: Path, *, precision: Precision, threads: int | None = None
) -> CompiledEncoder:
    """Return the encoder in a checkpoint folder of this family.

    Args:
        folder: as `ml.encoders.checkpoint.save` writes it.
        precision: what the network computes in.
        threads: see `CompiledNetwork`.

    Raises:
        CheckpointMismatch: a file is missing or damaged, or the weights are another network's.
        RuntimeFailed: the runtime does not run the network here.
    """
    config, path = read_config(folder), weights_file(folder)
    try:
        tensors = load_file(path)
        preprocess, dim = PreprocessConfig.from_json(config["preprocess"]), int(config["dim"])
        whitening = _whitening(tensors, dim)
        front, graph = build(config["network"]["network"], tensors, preprocess)
        if graph.outputs[0].get_partial_shape()[1] != dim:
            raise ValueError(f"its embeddings have not {dim} dimensions")
        spec = EncoderSpec(
            name=str(config["name"]),
            weights=folder.resolve().name,
            weights_sha256=sha256_of([path]),
            dim=dim,
            preprocess=preprocess,
            precision=precision,
        )
    except DAMAGE as err:
        raise CheckpointMismatch(
            f"The checkpoint {folder.name} cannot be read: {err}", folder=str(folder)
        ) from err
    network = CompiledNetwork(graph, precision=precision, threads=threads, front=front)
    mapper = cache(partial(_mapper, folder, spec, threads=threads))
    return CompiledEncoder(spec, network, whitening=whitening, mapper=mapper)


def _mapper(folder: Path, spec: EncoderSpec, *, threads: int | None) -> CompiledNetwork:
    """Return the network of a checkpoint folder without its mean; the folder has been read before.

    Raises:
        CheckpointMismatch: it is not what it was.
    """
    config, path = read_config(folder), weights_file(folder)
    try:
        if sha256_of([path]) != spec.weights_sha256:
            raise ValueError("its weights have changed")
        tensors = load_file(path)
        _whitening(tensors, spec.dim)
        name = config["network"]["network"]
        front, graph = build(name, tensors, spec.preprocess, is_map=True)
    except DAMAGE as err:
        raise CheckpointMismatch(
            f"The checkpoint {folder.name} cannot be read: {err}", folder=str(folder)
        ) from err
    return CompiledNetwork(graph, precision="float32", threads=threads, front=front)


def _whitening(tensors: dict[str, NDArray[np.floating]], dim: int) -> WhiteningArrays | None:
    """Take the whitening's tensors out of a file's; None where it has none."""
    names = [name for name in tensors if name.startswith(WHITENING)]
    if not names:
        return None
    parts = {name.removeprefix(WHITENING): tensors.pop(name).astype(np.float32) for name in names}
    whitening = WhiteningArrays(**parts)
    if whitening.centre.shape != (dim,) or whitening.projection.shape != (dim, dim):
        raise ValueError(f"a whitening of {len(whitening.centre)} dimensions instead of {dim}")
    if not all(np.isfinite(part).all() for part in parts.values()):
        raise ValueError("a whitening that is not finite")
    return whitening


def build(
    name: str, weights: Weights, preprocess: PreprocessConfig, *, is_map: bool = False
) -> tuple[openvino.Model, openvino.Model]:
    """Return the network in two parts: stem and first stage, all other stages.

    (B, S, S, 3) uint8 pixels → feature maps → (B, D) float32, the mean of the last map.

    Args:
        name: timm's.
        weights: the tensors of `efficientnet.build`'s network by name, batch norms folded.
        preprocess: S, and the mean and std of the pixels.
        is_map: whether the last map itself is returned, (B, D, h, w).

    Raises:
        KeyError: a tensor is missing, or no network of this family has the name.
        ValueError: the weights are another network's.
        RuntimeError: a tensor has another shape.
    """
    blocks, channels = _NETWORKS[name]
    pixels = ops.parameter([-1, preprocess.size_px, preprocess.size_px, 3], np.uint8)
    reader = _Reader(weights)
    values = _normalised(pixels, preprocess)
    values = _relu6(reader.convolution("conv_stem", values, stride=_STEM_STRIDE))
    for stage, (stride, count) in enumerate(zip(_STAGE_STRIDES, blocks, strict=True)):
        for block in range(count):
            layers = f"blocks.{stage}.{block}"
            values = _block(reader, layers, values, stride=stride if block == 0 else 1)
        if stage == _LAST_STAGE_IN_FLOAT32:
            front = openvino.Model([values], [pixels], "stem")
            maps = values = ops.parameter(values.get_output_partial_shape(0), np.float32)
    if values.get_output_partial_shape(0)[1] != channels:
        raise ValueError(f"it is not {name}")
    values = _relu6(reader.convolution("conv_head", values))
    reader.check_all_read()
    mean = values if is_map else ops.reduce_mean(values, np.array([2, 3]), keep_dims=False)
    return front, openvino.Model([mean], [maps], "efficientnet_lite")


class _Reader:
    """Makes layers of named tensors, and knows which of them it has used."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._read: set[str] = set()

    def has(self, name: str) -> bool:
        return f"{name}.weight" in self._weights

    def convolution(
        self, name: str, values: openvino.Node, *, stride: int = 1, is_depthwise: bool = False
    ) -> openvino.Node:
        """Return the layer of that name over (B, C, H, W), "same" padding, bias added."""
        weight, bias = self._tensor(f"{name}.weight"), self._tensor(f"{name}.bias")
        if is_depthwise:  # one group a channel
            weight = weight[:, None]
        # Half precision is widened when the network is compiled, which saves its memory until then.
        kernel = ops.convert(ops.constant(weight), np.float32)
        function = ops.group_convolution if is_depthwise else ops.convolution
        # What more there is at odd sizes is padded below and on the right.
        sides = {"pads_begin": [0, 0], "pads_end": [0, 0], "dilations": [1, 1]}
        result = function(values, kernel, [stride, stride], auto_pad="same_upper", **sides)
        return ops.add(result, bias.astype(np.float32).reshape(1, -1, 1, 1))

    def _tensor(self, name: str) -> NDArray[np.floating]:
        tensor = self._weights[name]
        # An activation would make 0 of what is not a number.
        if not np.isfinite(tensor).all():
            raise ValueError(f"{name} is not finite")
        self._read.add(name)
        return tensor

    def check_all_read(self) -> None:
        """Refuse weights of another network, which would only be used in part."""
        unknown = sorted(set(self._weights) - self._read)
        if unknown:
            raise ValueError(f"it has no {unknown[0]}")


def _block(reader: _Reader, name: str, values: openvino.Node, *, stride: int) -> openvino.Node:
    """Return an inverted residual; the first stage's blocks do not widen."""
    widens = reader.has(f"{name}.conv_pwl")
    inner = values
    if widens:
        inner = _relu6(reader.convolution(f"{name}.conv_pw", inner))
    inner = _relu6(reader.convolution(f"{name}.conv_dw", inner, stride=stride, is_depthwise=True))
    inner = reader.convolution(f"{name}.{'conv_pwl' if widens else 'conv_pw'}", inner)
    is_residual = inner.get_output_partial_shape(0) == values.get_output_partial_shape(0)
    return ops.add(inner, values) if is_residual else inner


def _normalised(pixels: openvino.Node, preprocess: PreprocessConfig) -> openvino.Node:
    """Return (B, 3, S, S) float32 of (B, S, S, 3) uint8: scaled to 0..1, less mean, by std."""
    std, mean = np.array(preprocess.std, np.float32), np.array(preprocess.mean, np.float32)
    values = ops.convert(pixels, np.float32)
    values = ops.multiply(values, 1 / (255 * std))
    values = ops.subtract(values, mean / std)
    return ops.transpose(values, np.array([0, 3, 1, 2]))


def _relu6(values: openvino.Node) -> openvino.Node:
    return ops.clamp(values, 0.0, _MAX_ACTIVATION)
