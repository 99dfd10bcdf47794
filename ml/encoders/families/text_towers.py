"""The text tower of a CLIP or SigLIP checkpoint: words in the space of its pictures."""

import re
import string
import threading
import unicodedata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import (
    AutoTokenizer,
    CLIPTextModelWithProjection,
    PreTrainedConfig,
    PreTrainedTokenizerFast,
    SiglipTextModel,
)

from ml.encoders.base import WordsSpec
from ml.encoders.families import towers
from ml.errors import CheckpointMismatch, EncoderKnowsNoWords, NonFiniteEmbedding
from ml.weights.files import Checkpoint

# A whole checkpoint also holds the image tower and the losses' own numbers.
_NOT_THE_TEXT_TOWER = [r"^vision_model\.", r"^visual_projection\.", r"^logit_(scale|bias)$"]
_BATCH = 32
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class ClipTextTower(CLIPTextModelWithProjection):  # type: ignore[no-untyped-call]
    """CLIP's text tower with its projection; the rest of a checkpoint is left in the file."""

    _keys_to_ignore_on_load_unexpected = _NOT_THE_TEXT_TOWER


class SiglipTextTower(SiglipTextModel):  # type: ignore[no-untyped-call]
    """SigLIP's text tower with its head; the rest is left in the file."""

    _keys_to_ignore_on_load_unexpected = _NOT_THE_TEXT_TOWER


def load(checkpoint: Checkpoint, *, device: torch.device, dtype: torch.dtype) -> "TextTower":
    """Return the text tower in a checkpoint.

    Args:
        checkpoint: where its files are, the tokenizer's among them.
        device: where it runs.
        dtype: number format that it runs in.

    Raises:
        EncoderKnowsNoWords: the checkpoint has no text tower, or one of another space.
        CheckpointMismatch: of another kind, not whole, or damaged.
    """
    whole = towers.read_config(checkpoint)
    text: PreTrainedConfig | None = getattr(whole, "text_config", None)
    if whole.model_type not in ("clip", "siglip") or text is None:
        raise EncoderKnowsNoWords(
            f"{checkpoint.weights} has no text tower that is read here: it knows no words.",
            weights=checkpoint.weights,
        )
    is_clip = whole.model_type == "clip"
    if is_clip:
        text.projection_dim = whole.projection_dim
    dim, image_dim = (
        (whole.projection_dim, whole.projection_dim)
        if is_clip
        else (text.projection_size, whole.vision_config.hidden_size)
    )
    if dim != image_dim:
        raise EncoderKnowsNoWords(
            f"The words of {checkpoint.weights} have {dim} numbers, its pictures {image_dim}: they "
            "cannot be compared.",
            weights=checkpoint.weights,
        )
    kind: Any = ClipTextTower if is_clip else SiglipTextTower
    tower = towers.read_tower(checkpoint, kind, text, part="text tower")
    return TextTower(
        WordsSpec(weights=checkpoint.weights, weights_sha256=checkpoint.sha256, dim=dim),
        tower.requires_grad_(requires_grad=False).to(device, dtype),
        _tokenizer(checkpoint),
        prepare=_plain if is_clip else _canonical,
        # SigLIP pools its last place, and was trained with all places taken.
        is_filled=not is_clip,
    )


class TextTower:
    """A `WordsEncoder` around a text tower of transformers; several threads may use it."""

    def __init__(
        self,
        spec: WordsSpec,
        network: Any,
        tokenizer: Any,
        *,
        prepare: Callable[[str], str],
        is_filled: bool,
    ) -> None:
        """Take over a loaded tower.

        Args:
            spec: what the embeddings may be compared with.
            network: transformers' text model, on its device.
            tokenizer: transformers' tokenizer of it.
            prepare: makes of a text what the tokenizer was made for.
            is_filled: whether every text takes the network's whole length.
        """
        self.spec = spec
        self._network = network
        self._tokenizer = tokenizer
        self._tokenizing = threading.Lock()  # padding and truncation are a tokenizer's state
        self._prepare = prepare
        self._is_filled = is_filled

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts, one row each, in input order; see `WordsEncoder.embed_texts`."""
        embeddings = np.empty((len(texts), self.spec.dim), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            part = [self._prepare(text) for text in texts[start : start + _BATCH]]
            embeddings[start : start + _BATCH] = self._embed(part)
        return embeddings

    def _embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        with self._tokenizing:
            tokens = self._tokenizer(
                list(texts),
                padding="max_length" if self._is_filled else True,
                truncation=True,
                max_length=self._network.config.max_position_embeddings,
                return_tensors="pt",
            )
        asked = {"input_ids": tokens["input_ids"].to(self._network.device)}
        if not self._is_filled:
            asked["attention_mask"] = tokens["attention_mask"].to(self._network.device)
        with torch.inference_mode():
            outputs = self._network(**asked)
            rows = (outputs.pooler_output if self._is_filled else outputs.text_embeds).float()
            lengths = rows.norm(dim=1, keepdim=True)
            if not (torch.isfinite(lengths) & (lengths > 0)).all():
                raise NonFiniteEmbedding(
                    f"The text tower of {self.spec.weights} returned NaN, infinity or zeros.",
                    weights=self.spec.weights,
                )
            embeddings: NDArray[np.float32] = (rows / lengths).cpu().numpy()
        return embeddings


def _tokenizer(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's own tokenizer; no code that lies beside it is run.

    Raises:
        CheckpointMismatch: it is damaged, or names no token to fill a text up with.
    """
    try:
        try:
            tokenizer = AutoTokenizer.from_pretrained(
                checkpoint.folder, local_files_only=True, trust_remote_code=False
            )
        except ImportError:  # SigLIP's own class wants another library for the same file
            tokenizer = PreTrainedTokenizerFast.from_pretrained(
                checkpoint.folder, local_files_only=True
            )
        if tokenizer.pad_token_id is None:
            raise ValueError("it has no token to fill a text up with")
        return tokenizer
    # The library's reader of tokenizer.json raises bare exceptions.
    except Exception as err:
        raise CheckpointMismatch(
            f"The tokenizer of {checkpoint.weights} cannot be read: {err}",
            weights=checkpoint.weights,
        ) from err


def _plain(text: str) -> str:
    """Return a text on one line, without characters that show nothing."""
    seen = "".join(" " if unicodedata.category(each) in ("Cc", "Cs") else each for each in text)
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", seen)).strip()


def _canonical(text: str) -> str:
    """Return a text as SigLIP was trained with: in small letters, without punctuation.

    Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training", ICCV 2023, and its code.
    """
    return _plain(_plain(text).lower().translate(_NO_PUNCTUATION))
