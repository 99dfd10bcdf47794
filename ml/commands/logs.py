"""What a command says of its progress on standard error."""

import logging


def log_to_stderr() -> None:
    """Send warnings and worse, with the facts that they carry, to standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(_WithFacts("%(levelname)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


class _WithFacts(logging.Formatter):
    """Shows what a record carries beside its message."""

    _usual = frozenset((*vars(logging.makeLogRecord({})), "message", "asctime"))

    def format(self, record: logging.LogRecord) -> str:
        facts = [f"{key}={value}" for key, value in vars(record).items() if key not in self._usual]
        return " ".join([super().format(record), *facts])
