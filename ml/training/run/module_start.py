"""The module as it is before the first step."""

from functools import partial

import torch
from accelerate import Accelerator

from ml.encoders.base import PreprocessConfig
from ml.encoders.network import EncoderNetwork
from ml.training.config import LossConfig, TrainingConfig
from ml.training.data.pictures import PictureSet
from ml.training.held_out import embed_all, source_pixels
from ml.training.losses import CombinedLoss
from ml.training.module import TrainingModule, tuned
from ml.training.run.embedder import Embedder
from ml.training.run.input_size import check_size
from ml.training.run.seeds import START_STREAM, seed_of
from ml.training.run.whitening import WhiteningFit


def starting_module(
    config: TrainingConfig,
    network: EncoderNetwork,
    pictures: PictureSet,
    *,
    preprocess: PreprocessConfig,
    accelerator: Accelerator,
    embedder: Embedder,
    whitening_fit: WhiteningFit,
) -> TrainingModule:
    """Return a network with its losses, whitened, and with only what may move requiring gradients.

    The whitening and the bank are those of the untouched network: they are made first.

    Args:
        config: of the run.
        network: where training starts; its module is taken over.
        pictures: those that are trained on.
        preprocess: how the encoder will be served.
        accelerator: knows the device.
        embedder: makes the bank.
        whitening_fit: makes the whitening that the losses lie behind.

    Raises:
        InvalidTrainingConfig: the network cannot do what the config asks for.
        TrainingDiverged: an output of the untouched network is not finite.
    """
    untouched = TrainingModule(
        network.module, CombinedLoss(config.loss, None), preprocess, style=config.style
    ).to(accelerator.device)
    for size_px in {preprocess.size_px, config.views.size_px or preprocess.size_px}:
        check_size(untouched, size_px, accelerator)
    whitening = untouched.whitening = whitening_fit.fit(untouched)
    bank = None
    if _needs_bank(config.loss):
        pixels = source_pixels(pictures, preprocess)
        bank = torch.from_numpy(embed_all(partial(embedder.embed, untouched), pixels))
    torch.manual_seed(seed_of(START_STREAM, config.seed))  # LoRA's first weights
    return TrainingModule(
        tuned(network.module, config.tune),
        CombinedLoss(config.loss, bank),
        preprocess,
        whitening=whitening,
        style=config.style,
    ).to(accelerator.device)


def _needs_bank(loss: LossConfig) -> bool:
    weights = (loss.anchor_photo_weight, loss.anchor_drawing_weight, loss.relation_weight)
    return loss.alike_score is not None or any(weight > 0 for weight in weights)
