"""What points carry of their images' rows is written to them: one request for many, no model."""

from contextlib import suppress

from vectors.errors import UnknownCollection
from worker_api import jobs, payloads
from worker_api.encoders import live_encoder, open_index
from worker_api.jobs import Delivery

# Images read at once: an album's share the requests of those that carry the same.
_IMAGES_PER_ROUND = 10_000
# Rounds a job: with more it would keep deletions from their turn. The next sweep goes on.
_MAX_ROUNDS = 10


def update_payloads(*, delivery: Delivery) -> None:
    """Write the payloads that wait, until none does. Doing it twice changes nothing.

    Raises:
        JobTakenOver: this worker was silent for too long; the rest is its successor's.
        TransientError: the vector store is away; what is left goes on waiting.
    """
    version = live_encoder()
    index = open_index(version)
    for _ in range(_MAX_ROUNDS):
        due = payloads.list_due_payloads(limit=_IMAGES_PER_ROUND)
        if not due:
            break
        for payload, image_ids in payloads.group_payloads(due).items():
            jobs.check(delivery)
            with suppress(UnknownCollection):  # lost with all its points
                index.set_payload(image_ids, payload)
        facts = payloads.lacking_facts(due, encoder_version=version.id)
        for fact, point_ids in facts.items():
            jobs.check(delivery)
            with suppress(UnknownCollection):
                index.set_facts(point_ids, fact)
        payloads.record_payloads(due)
