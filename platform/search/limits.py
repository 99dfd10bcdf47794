"""What searches leave behind, counted for whoever asks."""

from django.http import HttpRequest

from search.question import Question
from site_http.limits import Limited, take


def take_kept(request: HttpRequest, question: Question) -> None:
    """Count the bytes of a picture that will be kept for an hour.

    Raises:
        LimitReached: "limit:transient:kept-bytes".
    """
    if question.data is not None:
        take(request, Limited.KEPT_BYTES, len(question.data))
