"""Imports as workers run them, turn by turn, and what they count."""

from uuid import UUID

from ingestion.models import Import
from jobs.services import claim, finish, give_back
from kernel.errors import ConflictError, TransientError
from kernel.task_names import RUN_IMPORT
from tests.conftest import Broker
from worker_api import imports


def counts(current: Import) -> tuple[int, int, int, int]:
    current.refresh_from_db()
    return current.found, current.added, current.duplicates, current.failed


def work(broker: Broker) -> int:
    """Do what waits in the queue for imports, as workers do; return how many turns that made."""
    turns = 0
    while messages := broker.take("maintenance"):
        for message in messages:
            assert message.name == RUN_IMPORT
            job_id = UUID(message.arguments["job_id"])
            try:
                delivery = claim(job_id)
            except ConflictError:
                continue
            turns += 1
            try:
                imports.run_turn(UUID(message.arguments["import_id"]), delivery=delivery)
            except TransientError as error:
                give_back(delivery, error_code=error.code)
            else:
                finish(delivery)
    return turns
