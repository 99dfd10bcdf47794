"""Why a request gets no result, or why the process does not start."""


class EdgeCannotStart(Exception):
    """One plain sentence about the data folder or the port, for the person who starts us."""


class RequestRefused(Exception):
    """The request is answered with this HTTP status and message, in Qdrant's shape."""

    status = 400


class NotFound(RequestRefused):
    """No such collection."""

    status = 404


class AlreadyExists(RequestRefused):
    """The name is taken."""

    status = 409


class BodyTooLarge(RequestRefused):
    """The body is larger than one request may be."""

    status = 413


class EdgeFailed(RequestRefused):
    """Qdrant Edge itself failed: nothing the caller can mend."""

    status = 500
