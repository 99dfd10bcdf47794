"""A catalogue of photos, searched as the product searches its own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.commands.left_out import LeftOut
from ml.copies import features, pdq
from ml.copies.features import LocalFeatures
from ml.copies.lookup import HashLookup
from ml.copies.verification import verify
from ml.encoders.base import Encoder
from ml.errors import EvaluationDataInvalid
from ml.evaluation.embedding import embed
from ml.evaluation.images import EvaluationImage, read_image

_MAX_CANDIDATES = 20  # of the encoder, that are compared pixel by pixel
_MIN_PHOTO_PX = 16  # of a side: what collages are made of


@dataclass(frozen=True, slots=True, eq=False)
class PhotoCatalogue:
    """Photos as the product keeps them, by their indices among the images.

    Attributes:
        images: the photos.
        encoder: embeds them and what is searched.
        embeddings: (N, D) float32, rows of unit length; zeros where a photo could not be read.
        lookup: index → hash, of the photos whose hash is reliable.
        same_file: SHA-256 → the indices of the photos that are this very file.
        sha256: of each photo's file; "" where it could not be read.
        usable: (U,) indices of photos that are large enough for a collage.
        data_sha256: of names and files.
        unreadable: photos that were left out.
        features: index → local features, of those that were needed so far.
    """

    images: Sequence[EvaluationImage]
    encoder: Encoder
    embeddings: NDArray[np.float32]
    lookup: HashLookup
    same_file: dict[str, list[int]]
    sha256: tuple[str, ...]
    usable: NDArray[np.intp]
    data_sha256: str
    unreadable: tuple[LeftOut, ...]
    features: dict[int, LocalFeatures]

    @classmethod
    def of(
        cls, images: Sequence[EvaluationImage], encoder: Encoder, batch_size: int
    ) -> "PhotoCatalogue":
        """Return the catalogue of some photos, embedded and hashed.

        Raises:
            EvaluationDataInvalid: none can be read, or none is large enough for a collage.
            MlError: as the encoder's `encode`.
        """
        embedded = embed(images, [encoder], batch_size=batch_size)
        lookup = HashLookup()
        usable = []
        same_file: dict[str, list[int]] = {}
        for index in np.flatnonzero(embedded.is_readable).tolist():
            picture = pixels_of(images[index])
            hashed = pdq.pdq_hash(picture)
            if hashed.is_reliable:
                lookup.add([index], hashed.bits[None])
            if min(picture.shape[:2]) >= _MIN_PHOTO_PX:
                usable.append(index)
            same_file.setdefault(embedded.sha256[index], []).append(index)
        if not usable:
            raise EvaluationDataInvalid("No photo is large enough to make a collage of.")
        return cls(
            images,
            encoder,
            embedded.embeddings[0],
            lookup,
            same_file,
            embedded.sha256,
            np.array(usable, np.intp),
            embedded.data_sha256,
            embedded.unreadable,
            {},
        )

    def same_as(self, index: int) -> set[int]:
        """Return the indices of a photo's near-identical copies, and its own."""
        return {
            index,
            *self.same_file[self.sha256[index]],
            *self._near(pixels_of(self.images[index])),
        }

    def ranked(self, picture: NDArray[np.uint8], embedding: NDArray[np.float32]) -> list[int]:
        """Return the indices of candidates: near-identical, edited copies, then by score."""
        candidates = self.by_score(embedding)[:_MAX_CANDIDATES]
        near = self._near(picture)
        extracted = features.extract(picture)
        shared: dict[int, float] = {}
        for index in candidates:
            placement = None if index in near else verify(extracted, self._features(index))
            if placement is not None:
                overlaps = placement.query_overlap_percent, placement.candidate_overlap_percent
                shared[index] = overlaps[0] * overlaps[1]
        edited = sorted(shared, key=lambda index: -shared[index])
        return list(dict.fromkeys([*near, *edited, *candidates]))

    def by_score(self, embedding: NDArray[np.float32]) -> list[int]:
        """Return the indices of all readable photos, the most similar first."""
        order = np.argsort(-(self.embeddings @ embedding), kind="stable")
        return [int(index) for index in order if self.sha256[index] in self.same_file]

    def _near(self, picture: NDArray[np.uint8]) -> list[int]:
        upright, oriented = pdq.oriented_hashes(picture)
        if not upright.is_reliable:
            return []
        hits = self.lookup.search(oriented, radius_bits=pdq.NEAR_IDENTICAL_BITS)
        return [hit.key for hit in hits]

    def _features(self, index: int) -> LocalFeatures:
        if index not in self.features:
            self.features[index] = features.extract(pixels_of(self.images[index]))
        return self.features[index]


def pixels_of(image: EvaluationImage) -> NDArray[np.uint8]:
    """Return (height, width, 3) the pixels of an image."""
    return np.asarray(read_image(image), np.uint8)
