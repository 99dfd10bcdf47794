"""What has to be equal for a run to go on from a saved state."""

from collections.abc import Mapping

from ml.encoders.network import EncoderNetwork
from ml.errors import CheckpointMismatch
from ml.training.config import TrainingConfig
from ml.training.data.pictures import hash_of

# What may differ when a run is resumed: none of it changes what a step computes.
_FREE_ON_RESUME = ("device", "workers", "evaluate_every", "patience", "checkpoint_every")

_MEANING = {
    "family": "another encoder",
    "weights_sha256": "another encoder's weights",
    "data_sha256": "other data",
    "config_sha256": "another config",
}


def identity_of(
    config: TrainingConfig, network: EncoderNetwork, data_sha256: str
) -> dict[str, str]:
    """Return where a run starts from, as names and hashes.

    Args:
        config: what is done.
        network: where training starts, untouched.
        data_sha256: of the pictures' manifest.
    """
    fixed = {key: value for key, value in config.to_json().items() if key not in _FREE_ON_RESUME}
    return {
        "family": network.family,
        "weights": network.weights,
        "weights_sha256": network.weights_sha256,
        "data_sha256": data_sha256,
        "config_sha256": hash_of(fixed),
    }


def check_identity(saved: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Refuse a state of another run.

    Args:
        saved: the identity in the state.
        own: that of the run that wants to go on from it.

    Raises:
        CheckpointMismatch: it is of another encoder, other data or another config.
    """
    for name, what in _MEANING.items():
        if saved[name] != own[name]:
            raise CheckpointMismatch(
                f"The run cannot be resumed: its state is of {what}.",
                saved=saved[name],
                own=own[name],
            )
