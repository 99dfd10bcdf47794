"""What can be asked of tokens; nothing here writes."""

from api.models import ApiToken
from api.services import hash_secret
from kernel.errors import UserInputError


def get_token(secret: str) -> ApiToken:
    """Return the token that a program holds, its owner read with it.

    Raises:
        UserInputError: "token:user:unknown", "token:user:revoked", "token:user:expired" or
            "token:user:inactive": it counts no more.
    """
    hashed = hash_secret(secret)
    token = ApiToken.objects.select_related("owner").filter(secret_sha256=hashed).first()
    if token is None:
        raise UserInputError("token:user:unknown")
    if token.revoked_at is not None:
        raise UserInputError("token:user:revoked")
    if token.is_expired:
        raise UserInputError("token:user:expired")
    if not token.owner.is_active:
        raise UserInputError("token:user:inactive")
    return token
