"""A compiled network: pixels in, float32 arrays out, the same for a picture in any company."""

import threading
from collections.abc import Sequence

import numpy as np
import openvino
from numpy.typing import NDArray

from ml.errors import OutOfDeviceMemory, RuntimeFailed
from ml.runtime.precision import DEVICE, Precision

# Pictures in one pass. Both are compiled as fixed shapes: those run faster than open ones (1.6
# times for one picture), and a picture's outputs are the same to the bit in either.
_LARGE, _SINGLE = 8, 1
# From so many pictures on, a large batch with blank rows is faster than as many single passes.
_WORTH_FILLING = 5
_TYPES: dict[Precision, openvino.Type] = {
    "float32": openvino.Type.f32,
    "bfloat16": openvino.Type.bf16,
}


class CompiledNetwork:
    """A network of this CPU. May be used by several threads at once.

    Does not prepare pictures, and does not know what its outputs mean.
    """

    def __init__(
        self,
        graph: openvino.Model,
        *,
        precision: Precision,
        threads: int | None = None,
        front: openvino.Model | None = None,
    ) -> None:
        """Take over a network; it is compiled when the first picture or batch comes.

        Args:
            graph: one input (B, H, W, 3) uint8, outputs whose first axis is B as well. Taken over.
            precision: float32, or what `ml.runtime.precision.served` says that this CPU has.
            threads: of one pass; None is one a core. Outputs do not depend on it.
            front: layers before the graph's, which then takes their one output instead of pixels;
                computed in float32 whatever the precision.
        """
        self._parts: list[tuple[openvino.Model, Precision]] = [(graph, precision)]
        if front is not None:
            self._parts.insert(0, (front, "float32"))
        self._threads = threads
        self._compiling = threading.Lock()
        self._compiled: dict[int, list[openvino.CompiledModel]] = {}
        # States of a pass, one a caller at a time: as many as there were callers at once.
        self._free: dict[int, list[list[openvino.InferRequest]]] = {_LARGE: [], _SINGLE: []}

    def run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Return the network's outputs, each with one row a picture, in input order.

        Args:
            pixels: (N, H, W, 3) uint8, N ≥ 1; not changed.

        Raises:
            OutOfDeviceMemory: this process gets no more memory.
            RuntimeFailed: the runtime refuses the network, compiled it to another precision, or
                could not run it.
        """
        parts = [self._pass(pixels[start:stop], size) for start, stop, size in _passes(len(pixels))]
        return tuple(np.concatenate(rows) for rows in zip(*parts, strict=True))

    def _pass(self, pixels: NDArray[np.uint8], size: int) -> list[NDArray[np.float32]]:
        count = len(pixels)
        if count < size:
            blank = np.zeros((size - count, *pixels.shape[1:]), np.uint8)
            pixels = np.concatenate([pixels, blank])
        requests = self._requests(size)
        values: NDArray[np.generic] = np.ascontiguousarray(pixels)
        try:
            for request in requests:
                request.infer([values], share_inputs=True)
                values = request.output_tensors[0].data
            # Copied: the next pass writes over it.
            outputs = [tensor.data[:count].copy() for tensor in requests[-1].output_tensors]
        except RuntimeError as err:
            kind = OutOfDeviceMemory if "alloc" in str(err) else RuntimeFailed
            raise kind(f"A pass of {size} pictures failed: {_reason(err)}") from err
        self._free[size].append(requests)
        return outputs

    def _requests(self, size: int) -> list[openvino.InferRequest]:
        compiled = self._compile(size)
        try:
            return self._free[size].pop()
        except IndexError:
            return [part.create_infer_request() for part in compiled]

    def _compile(self, size: int) -> list[openvino.CompiledModel]:
        with self._compiling:
            if size not in self._compiled:
                self._compiled[size] = [
                    self._compiled_for(size, graph, precision) for graph, precision in self._parts
                ]
            return self._compiled[size]

    def _compiled_for(
        self, size: int, graph: openvino.Model, precision: Precision
    ) -> openvino.CompiledModel:
        options = {
            # Never left to the runtime, which computes float32 networks in bfloat16 by default.
            "INFERENCE_PRECISION_HINT": _TYPES[precision],
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
            # Every process would pin its threads to the same first cores, and wait for the others.
            "ENABLE_CPU_PINNING": False,
        }
        if self._threads is not None:
            options["INFERENCE_NUM_THREADS"] = self._threads
        try:
            graph = graph.clone()
            graph.reshape([size, *graph.inputs[0].get_partial_shape()[1:]])
            compiled = openvino.Core().compile_model(graph, DEVICE, options)
            got = compiled.get_property("INFERENCE_PRECISION_HINT")
        except RuntimeError as err:
            raise RuntimeFailed(f"The network was not compiled: {_reason(err)}") from err
        if got != _TYPES[precision]:
            raise RuntimeFailed(f"The network was compiled to {got}, not to {precision}.")
        return compiled


def _passes(count: int) -> Sequence[tuple[int, int, int]]:
    """Return start, stop and batch size of each pass over `count` pictures.

    Few pictures go one by one, more in large batches alone: who has many needs the memory of one
    compiled shape only.
    """
    size = _LARGE if count >= _WORTH_FILLING else _SINGLE
    return [(start, min(start + size, count), size) for start in range(0, count, size)]


def _reason(error: RuntimeError) -> str:
    """Return what the runtime says in its last line; before it stand its own files' names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
