"""How many threads the libraries use while they are timed."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import faiss


@contextmanager
def one_thread() -> Iterator[None]:
    """Keep OpenCV and faiss to one thread each, as a worker that shares its machine does."""
    threads = cv2.getNumThreads(), faiss.omp_get_max_threads()
    _use_threads(1, 1)
    try:
        yield
    finally:
        _use_threads(*threads)


def _use_threads(opencv: int, faiss_threads: int) -> None:
    cv2.setNumThreads(opencv)
    faiss.omp_set_num_threads(faiss_threads)
