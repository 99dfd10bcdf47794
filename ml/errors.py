"""What can go wrong in `ml`: one stable code a class, and a sentence for a person."""

from typing import ClassVar


class MlError(Exception):
    """Base of every error that `ml` raises on purpose.

    Attributes:
        code: stable string, the same for every instance of the class.
        context: the facts behind the reason, by name.
    """

    code: ClassVar[str] = "ml:error"

    def __init__(self, reason: str, **context: object) -> None:
        super().__init__(reason)
        self.context = context


class UndecodableImage(MlError):
    """The bytes are no picture of an allowed format, or a damaged one. Trying again is useless."""

    code = "ml:undecodable-image"


class UnsupportedPicture(UndecodableImage):
    """The bytes are a picture, of a kind that is not read. Trying again is useless."""

    code = "ml:unsupported-picture"


class NotAPicture(UndecodableImage):
    """The bytes are of none of the formats that are read. Trying again is useless."""

    code = "ml:not-a-picture"


class TooManyPixels(MlError):
    """The file declares more pixels than the caller allows; nothing was decoded."""

    code = "ml:too-many-pixels"


class TooManyFrames(MlError):
    """The file has more frames or pages than the caller allows; nothing was decoded."""

    code = "ml:too-many-frames"


class UnknownEncoder(MlError):
    """No encoder has this name; the reason lists the known ones."""

    code = "ml:unknown-encoder"


class UnknownDetector(MlError):
    """No detector has this name; the reason lists the known ones."""

    code = "ml:unknown-detector"


class WeightsUnavailable(MlError):
    """The weights are not on this machine and could not be fetched. Trying again later may help."""

    code = "ml:weights-unavailable"


class CheckpointMismatch(MlError):
    """The files are there but are not what was asked for.

    They are no whole checkpoint of a network that this encoder or detector runs, or other weights
    than those that were first loaded under their name.
    """

    code = "ml:checkpoint-mismatch"


class EncoderKnowsNoWords(MlError):
    """The encoder embeds pictures alone: it has no text tower, or training left it behind."""

    code = "ml:encoder-knows-no-words"


class EncoderNotTrainable(MlError):
    """The encoder embeds, but this project does not train its network."""

    code = "ml:encoder-not-trainable"


class DeviceUnavailable(MlError):
    """The device asked for is unknown, or this machine does not have it."""

    code = "ml:device-unavailable"


class OutOfDeviceMemory(MlError):
    """The batch does not fit into the device's memory; the caller may halve it and try again."""

    code = "ml:out-of-device-memory"


class RuntimeFailed(MlError):
    """The inference runtime cannot compile or run a network on this CPU; the reason is its own."""

    code = "ml:runtime-failed"


class NonFiniteEmbedding(MlError):
    """An encoder returned NaN, infinity or a zero vector for a picture, which no search can use."""

    code = "ml:non-finite-embedding"


class DamagedFeatures(MlError):
    """Cached local features are damaged or of another version; extract them again."""

    code = "ml:damaged-features"


class EvaluationDataInvalid(MlError):
    """The data of an evaluation or calibration are missing, empty or of another shape."""

    code = "ml:evaluation-data-invalid"


class NoPositives(MlError):
    """No query has a positive in the gallery, so that nothing can be measured."""

    code = "ml:no-positives"


class OutputUnwritable(MlError):
    """The folder or file that results should go to cannot be written."""

    code = "ml:output-unwritable"


class NoPictures(MlError):
    """The folder or list holds no picture that can be read."""

    code = "ml:no-pictures"


class InvalidTrainingData(MlError):
    """The training data are there but cannot be trained on; the reason says what is missing."""

    code = "ml:invalid-training-data"


class ConflictingDecisions(MlError):
    """Decisions contradict each other: two pictures are the same and different at once."""

    code = "ml:conflicting-decisions"


class InvalidTrainingConfig(MlError):
    """A recipe or a flag asks for something unknown, out of range or impossible here."""

    code = "ml:invalid-training-config"


class RunFolderInUse(MlError):
    """The folder already holds a training run, which is never overwritten by another."""

    code = "ml:run-folder-in-use"


class TrainingDiverged(MlError):
    """The loss or the weights became NaN or infinite; the last good checkpoint was kept."""

    code = "ml:training-diverged"
