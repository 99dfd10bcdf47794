"""A compiled network: pixels in, float32 arrays out, the same for a picture in any company."""

import os
import threading
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from ml.errors import OutOfDeviceMemory, RuntimeFailed
from ml.runtime.library import core, openvino
from ml.runtime.precision import DEVICE, Precision

_TYPES: dict[Precision, openvino.Type] = {
    "float32": openvino.Type.f32,
    "bfloat16": openvino.Type.bf16,
}

Outputs = list[NDArray[np.float32]]


class CompiledNetwork:
    """A network of this CPU. May be used by several threads at once.

    Each picture is a pass of its own, on one core: two passes side by side take two thirds of the
    processor's time of one that is spread over two cores, larger batches are hardly faster and take
    more memory, and an open batch size takes 1.6 times as long. So a picture's outputs depend
    neither on its neighbours nor on the number of threads.

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
        """Take over a network; it is compiled when the first picture comes.

        Args:
            graph: one input (B, H, W, 3) uint8, outputs whose first axis is B as well. Taken over.
            precision: float32, or what `ml.runtime.precision.served` says that this CPU has.
            threads: pictures that are computed at the same time; None is one a core.
            front: layers before the graph's, which then takes their one output instead of pixels;
                computed in float32 whatever the precision.
        """
        self._parts: list[tuple[openvino.Model, Precision]] = [(graph, precision)]
        if front is not None:
            self._parts.insert(0, (front, "float32"))
        self._threads = threads or os.cpu_count() or 1
        self._compiling = threading.Lock()
        self._compiled: list[openvino.CompiledModel] = []
        self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="network")
        # States of a pass, one a caller at a time: as many as there were callers at once.
        self._free: list[list[openvino.InferRequest]] = []

    def run(self, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Return the network's outputs, each with one row a picture, in input order.

        Args:
            pixels: (N, H, W, 3) uint8, N ≥ 1; not changed.

        Raises:
            OutOfDeviceMemory: this process gets no more memory.
            RuntimeFailed: the runtime refuses the network, compiled it to another precision, or
                could not run it.
        """
        passes = [pixels[index : index + 1] for index in range(len(pixels))]
        if len(passes) == 1 or self._threads == 1:
            rows = [self._pass(picture) for picture in passes]
        else:
            rows = self._side_by_side(passes)
        return tuple(np.concatenate(outputs) for outputs in zip(*rows, strict=True))

    def _side_by_side(self, passes: list[NDArray[np.uint8]]) -> list[Outputs]:
        """Run passes in threads. No more of them wait there than run: callers take turns."""
        rows: list[Outputs] = []
        running: deque[Future[Outputs]] = deque()
        for picture in passes:
            if len(running) == self._threads:
                rows.append(running.popleft().result())
            running.append(self._executor.submit(self._pass, picture))
        return rows + [future.result() for future in running]

    def _pass(self, pixels: NDArray[np.uint8]) -> Outputs:
        requests = self._requests()
        values: NDArray[np.generic] = np.ascontiguousarray(pixels)
        try:
            for request in requests:
                request.infer([values], share_inputs=True)
                values = request.output_tensors[0].data
            # Copied: the next pass writes over it.
            outputs = [tensor.data.copy() for tensor in requests[-1].output_tensors]
        except RuntimeError as err:
            kind = OutOfDeviceMemory if "alloc" in str(err) else RuntimeFailed
            raise kind(f"A picture's pass failed: {_reason(err)}") from err
        self._free.append(requests)
        return outputs

    def _requests(self) -> list[openvino.InferRequest]:
        compiled = self._compile()
        try:
            return self._free.pop()
        except IndexError:
            return [part.create_infer_request() for part in compiled]

    def _compile(self) -> list[openvino.CompiledModel]:
        with self._compiling:
            if not self._compiled:
                compiled = [self._compiled_part(*part) for part in self._parts]
                self._parts.clear()  # with their weights, which the compiled ones have as well
                self._compiled = compiled
            return self._compiled

    def _compiled_part(self, graph: openvino.Model, precision: Precision) -> openvino.CompiledModel:
        options = {
            # Never left to the runtime, which computes float32 networks in bfloat16 by default.
            "INFERENCE_PRECISION_HINT": _TYPES[precision],
            "NUM_STREAMS": self._threads,
            "INFERENCE_NUM_THREADS": self._threads,
            # Every process would pin its threads to the same first cores, and wait for the others.
            "ENABLE_CPU_PINNING": False,
        }
        try:
            graph.reshape([1, *graph.inputs[0].get_partial_shape()[1:]])
            compiled = core.compile_model(graph, DEVICE, options)
            got = compiled.get_property("INFERENCE_PRECISION_HINT")
        except RuntimeError as err:
            raise RuntimeFailed(f"The network was not compiled: {_reason(err)}") from err
        if got != _TYPES[precision]:
            raise RuntimeFailed(f"The network was compiled to {got}, not to {precision}.")
        return compiled


def _reason(error: RuntimeError) -> str:
    """Return what the runtime says in its last line; before it stand its own files' names."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else "no reason given"
