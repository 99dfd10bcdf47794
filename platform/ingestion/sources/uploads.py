"""The files of a form."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from django.core.files.uploadedfile import UploadedFile

from catalog.validation import check_size
from ingestion.sources.base import SourceFile


@dataclass(frozen=True, slots=True)
class UploadSource:
    """What a person sends with a form: names without folders."""

    uploads: Sequence[UploadedFile]
    name: str = "upload"

    def check(self) -> None:
        """Refuse nothing: each file answers for itself."""

    def files(self, passed_over: Counter[str]) -> Iterator[SourceFile]:
        """Yield the files in the order that they came in; none is passed over."""
        for upload in self.uploads:
            yield SourceFile(name=upload.name or "", read=partial(_read_upload, upload))


def _read_upload(upload: UploadedFile) -> bytes:
    check_size(upload.size or 0)
    upload.seek(0)  # it may be read again, where SQL was away the first time
    return bytes(upload.read())
