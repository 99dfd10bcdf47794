"""A training run as values, each checked, and all of them against each other."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict
from pydantic import Field as Limits
from pydantic.dataclasses import dataclass

from ml.rules.limits import MAX_PIXELS
from ml.weights.files import MAX_INPUT_PX

DataKind = Literal["folder", "pairs", "decisions", "made"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Mining = Literal["all", "hard", "semi_hard", "cross_medium"]

Share = Annotated[float, Limits(ge=0, le=1)]
Weight = Annotated[float, Limits(ge=0)]
Positive = Annotated[float, Limits(gt=0)]
Count = Annotated[int, Limits(ge=1)]
# Of an input; more than any network here takes, and few enough to hold a batch in memory.
SidePx = Annotated[int, Limits(ge=16, le=MAX_INPUT_PX)]
# The losses clamp to the same range.
Temperature = Annotated[float, Limits(ge=0.01, le=0.5)]

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, slots=True, config=_STRICT)
class DataConfig:
    """Which pictures are trained on.

    Attributes:
        path: a folder ("folder", "made") or a CSV or JSONL file ("pairs", "decisions").
        kind: see `ml.training.data.sources.read`.
        held_out_path: pictures of the same kind for the held-out measure; None takes a share.
        held_out_share: part of the subjects that is kept from training where there is no
            `held_out_path`; 0 measures nothing.
        max_held_out: held-out pictures that are measured, at most.
        cache_px: keep every picture in memory at about this short side; None reads files again.
        max_pixels: pictures that declare more are left out.
    """

    path: str = ""
    kind: DataKind = "folder"
    held_out_path: str | None = None
    held_out_share: Annotated[float, Limits(ge=0, lt=1)] = 0.1
    max_held_out: Count = 200
    cache_px: Count | None = None
    max_pixels: Count = MAX_PIXELS


@dataclass(frozen=True, slots=True, config=_STRICT)
class BatchConfig:
    """What a batch is made of.

    Attributes:
        subjects: P, subjects in a batch; fewer where the data have fewer.
        views: K, views of each.
        accumulate: batches whose gradients make one step.
    """

    subjects: Annotated[int, Limits(ge=2)] = 24
    views: Annotated[int, Limits(ge=2)] = 2
    accumulate: Count = 1


@dataclass(frozen=True, slots=True, config=_STRICT)
class ViewConfig:
    """How views are made. Drawings are made of "made" data only; edits of photos always.

    Attributes:
        size_px: width and height of views; None is the network's input size. Smaller is faster, and
            cropped views show things larger than they are served (Touvron et al., "Fixing the
            train-test resolution discrepancy", NeurIPS 2019).
        photo_share: probability that a view after the first of its subject is an edited photo and
            not a drawing; the first is always an edited photo.
        drawing_weights: how often each kind of drawing is made, in proportion; a kind that is not
            named is not made; empty makes all kinds alike.
        photo_area: the smallest part of the picture's area that a photo's crop keeps.
        drawing_area: the same for a drawing.
        flip: probability of a left-right flip.
        colour: probability of changed brightness, contrast, saturation and hue.
        grey: probability that colour goes altogether.
        blur: probability of a blur.
        jpeg: probability of JPEG artefacts.
        background: probability that a photo's subject is put on another background.
        copy_edit: probability of each of what people do to a copy: words over it, a turn, a border,
            a place inside another picture.
    """

    size_px: SidePx | None = None
    photo_share: Share = 0.3
    drawing_weights: dict[str, Weight] = Limits(default_factory=dict)
    photo_area: Annotated[float, Limits(gt=0, le=1)] = 0.3
    drawing_area: Annotated[float, Limits(gt=0, le=1)] = 0.5
    flip: Share = 0.5
    colour: Share = 0.5
    grey: Share = 0.1
    blur: Share = 0.2
    jpeg: Share = 0.3
    background: Share = 0.2
    copy_edit: Share = 0.1


@dataclass(frozen=True, slots=True, config=_STRICT)
class LossConfig:
    """The weighted sum that is minimised; see `ml.training.losses`.

    Attributes:
        triplet_weight: of the triplet loss.
        info_nce_weight: of InfoNCE.
        margin: of the triplet loss, in cosine distance.
        mining: which triplets; see `ml.training.mining.mine`.
        temperature: InfoNCE's at the start; it is learned.
        is_symmetric: whether each pair counts in both directions in InfoNCE.
        anchor_photo_weight: of a photo view's distance to the untouched embedding of its source.
        anchor_drawing_weight: the same for a drawing.
        alike_score: two subjects whose pictures the untouched network finds this alike (cosine) are
            not told apart by triplets and InfoNCE: unlabelled pictures often show the same thing.
            None tells all apart. For "made" data only.
        relation_weight: of the difference in likeness to all training pictures.
        relation_teacher_temperature: of the untouched network's likenesses.
        relation_student_temperature: of the trained network's.

    All likenesses are cosines of embeddings as they are served: behind the whitening where there is
    one, where pictures that show different things lie near 0.
    """

    triplet_weight: Weight = 0.5
    info_nce_weight: Weight = 0.5
    margin: Positive = 0.2
    mining: Mining = "semi_hard"
    temperature: Temperature = 0.07
    is_symmetric: bool = True
    anchor_photo_weight: Weight = 0.0
    anchor_drawing_weight: Weight = 0.0
    alike_score: Annotated[float, Limits(gt=-1, lt=1)] | None = None
    relation_weight: Weight = 0.0
    relation_teacher_temperature: Positive = 0.04
    relation_student_temperature: Positive = 0.07


@dataclass(frozen=True, slots=True, config=_STRICT)
class OptimiserConfig:
    """How far and how fast the weights move.

    Attributes:
        lr: AdamW's greatest learning rate, reached after the warm-up.
        weight_decay: of matrices and kernels; biases and norms have none.
        warm_up: part of all steps in which the rate rises from 0.
        final_lr: the rate at the end of the cosine, as a part of `lr`.
        clip_norm: greatest norm of the gradient; None does not clip.
        ema_decay: of the averaged weights that are measured and saved; None saves the last ones.
        trained_share: of the way from the first weights to the trained ones, where those lie that
            are measured and saved; None goes all the way. It does not go with LoRA or with
            batch-norm statistics that move.
    """

    lr: Positive = 1e-4
    weight_decay: Weight = 0.01
    warm_up: Share = 0.05
    final_lr: Share = 0.0
    clip_norm: Positive | None = 1.0
    ema_decay: Annotated[float, Limits(gt=0, lt=1)] | None = None
    trained_share: Annotated[float, Limits(gt=0, le=1)] | None = None


@dataclass(frozen=True, slots=True, config=_STRICT)
class TuneConfig:
    """Which weights move. Patterns are shell patterns of parameter names: `*` matches anything.

    Attributes:
        freeze: parameters that stay as they are.
        is_batch_norm_frozen: whether batch-norm statistics stay as they are.
        lora_rank: rank of LoRA's low-rank updates; None trains the weights themselves.
        lora_targets: ends of the names of the layers that get one.
        lora_alpha: LoRA's scale is alpha / rank.
        lora_also_train: patterns of whole parameters that are trained beside LoRA's.
    """

    freeze: tuple[str, ...] = ()
    is_batch_norm_frozen: bool = True
    lora_rank: Count | None = None
    lora_targets: tuple[str, ...] = ()
    lora_alpha: Positive = 16.0
    lora_also_train: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, config=_STRICT)
class StyleConfig:
    """Mixing of styles inside the network while it trains; see `ml.training.style`.

    Attributes:
        layers: patterns of the names of layers that return feature maps; after each, styles are
            mixed. Empty mixes none.
        probability: that a layer mixes in a forward pass.
    """

    layers: tuple[str, ...] = ()
    probability: Share = 0.5


@dataclass(frozen=True, slots=True, config=_STRICT)
class WhiteningConfig:
    """What the network's outputs go through; see `ml.encoders.whitening`.

    Attributes:
        views: of training pictures, that it is fitted to: before the first step, which it stays
            with in the losses, and again to every network that is measured and saved. None keeps
            the one that the encoder has, if any.
        ridge: the greater, the more alike all directions are treated.
    """

    views: Count | None = None
    ridge: Positive = 5.0


@dataclass(frozen=True, slots=True, config=_STRICT)
class TrainingConfig:
    """One training run. The same values on the same machine make the same weights.

    Attributes:
        encoder: what training starts from, as `ml.encoders.registry.load_network` takes it.
        name: what the trained encoder is recorded under; None keeps the name.
        size_px: width and height of the input; None is the encoder's own.
        steps: optimiser steps; exactly one of `steps` and `epochs` is given.
        epochs: times that every subject is seen.
        seed: all random numbers come from it.
        device: see `ml.devices.resolve`; several GPUs through `accelerate launch`.
        precision: number format of the forward pass; "auto" is bf16 where the device computes in
            it, else fp32.
        workers: processes that make views; 0 makes them in the training's own.
        evaluate_every: steps between two measurements on the held-out pictures.
        patience: measurements without a better one after which training stops; None never stops.
        checkpoint_every: steps between two states that can be resumed.
        data: see `DataConfig`.
        batch: see `BatchConfig`.
        views: see `ViewConfig`.
        loss: see `LossConfig`.
        optimiser: see `OptimiserConfig`.
        tune: see `TuneConfig`.
        saved_precision: number format of the saved encoder's weights; the state keeps fp32.
        style: see `StyleConfig`.
        whitening: see `WhiteningConfig`.
    """

    encoder: str = "efficientnet_lite"
    name: str | None = None
    size_px: SidePx | None = None
    steps: Count | None = None
    epochs: Count | None = None
    seed: Annotated[int, Limits(ge=0, lt=2**32)] = 0
    device: str = "auto"
    precision: Precision = "auto"
    workers: Annotated[int, Limits(ge=0)] = 0
    evaluate_every: Count = 200
    patience: Count | None = None
    checkpoint_every: Count = 200
    data: DataConfig = Limits(default_factory=DataConfig)
    batch: BatchConfig = Limits(default_factory=BatchConfig)
    views: ViewConfig = Limits(default_factory=ViewConfig)
    loss: LossConfig = Limits(default_factory=LossConfig)
    optimiser: OptimiserConfig = Limits(default_factory=OptimiserConfig)
    tune: TuneConfig = Limits(default_factory=TuneConfig)
    saved_precision: Literal["fp32", "fp16"] = "fp32"
    style: StyleConfig = Limits(default_factory=StyleConfig)
    whitening: WhiteningConfig = Limits(default_factory=WhiteningConfig)

    def __post_init__(self) -> None:
        for is_wrong, reason in (
            (not self.data.path, "the data have no path"),
            ((self.steps is None) == (self.epochs is None), "give either steps or epochs"),
            (not _has_weight(self.loss), "every loss has weight 0"),
            (
                self.patience is not None and not _is_measured(self.data),
                "patience needs held-out pictures",
            ),
            (
                (self.tune.lora_rank is None) != (not self.tune.lora_targets),
                "LoRA needs both a rank and targets",
            ),
            (
                # A part of each of two factors is no part of their product.
                self.tune.lora_rank is not None and self.optimiser.trained_share is not None,
                "a trained share does not go with LoRA",
            ),
            (
                # The statistics are not mixed: those of the trained end would fit neither.
                self.optimiser.trained_share is not None and not self.tune.is_batch_norm_frozen,
                "a trained share needs frozen batch-norm statistics",
            ),
            (
                self.loss.alike_score is not None and self.data.kind != "made",
                'an alike score is a guess for "made" data; others say which subjects differ',
            ),
        ):
            if is_wrong:
                raise ValueError(reason)

    def to_json(self) -> dict[str, Any]:
        """Return the values as JSON types; `recipe.read` makes the same config of them."""
        values: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return values


def _has_weight(loss: LossConfig) -> bool:
    weights: Sequence[float] = (
        loss.triplet_weight,
        loss.info_nce_weight,
        loss.anchor_photo_weight,
        loss.anchor_drawing_weight,
        loss.relation_weight,
    )
    return any(weight > 0 for weight in weights)


def _is_measured(data: DataConfig) -> bool:
    return data.held_out_path is not None or data.held_out_share > 0
