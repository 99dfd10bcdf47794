"""What a request asks: the collection in its address and the JSON in its body."""

from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from starlette.requests import Request

from vectors.edge.errors import BodyTooLarge, RequestRefused

# Largest request body. Our own upserts are below 1 MB; Qdrant's own limit is 32 MiB.
MAX_BODY_BYTES = 64 * 1024 * 1024

_ModelT = TypeVar("_ModelT", bound=BaseModel)


def collection_name(request: Request) -> str:
    """Return the collection that the address names."""
    return str(request.path_params["name"])


async def read_body(request: Request, model: type[_ModelT]) -> _ModelT:
    """Return the body as the model that it fits.

    Raises:
        RequestRefused: it is no JSON object, or does not fit the model.
        BodyTooLarge: it is larger than one request may be.
    """
    return validate_json(model, await read_json(request))


def validate_json(model: type[_ModelT], values: Mapping[str, object]) -> _ModelT:
    """Return parsed JSON as the model that it fits.

    Raises:
        RequestRefused: it does not fit the model.
    """
    try:
        # From parsed JSON, not from the text: 15 times faster on these unions of vector kinds.
        return model.model_validate(values)
    except ValidationError as err:
        problems = err.errors(include_url=False, include_input=False, include_context=False)
        where = ".".join(str(step) for step in problems[0]["loc"])
        raise RequestRefused(f"Format error in JSON body: {where}: {problems[0]['msg']}") from None


async def read_json(request: Request) -> Mapping[str, object]:
    """Return the JSON object in the body; anything else is refused.

    Only with its own content type: a web page may send text or a form anywhere without asking,
    but JSON only where the receiver allows it, and nobody here does.

    Raises:
        RequestRefused: it is none.
        BodyTooLarge: it is larger than one request may be.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise RequestRefused("the content type must be application/json")
    body = bytearray()
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size <= MAX_BODY_BYTES:
            body += chunk
        else:  # read on, keeping nothing: the client hears the reason instead of a broken pipe
            body.clear()
    if size > MAX_BODY_BYTES:
        raise BodyTooLarge(f"the body may have {MAX_BODY_BYTES} bytes at most, this has {size}")
    try:
        values = from_json(bytes(body), allow_inf_nan=False)
    except ValueError as err:
        raise RequestRefused(f"Format error in JSON body: {err}") from None
    if not isinstance(values, dict):
        raise RequestRefused("Format error in JSON body: an object is expected")
    return values
