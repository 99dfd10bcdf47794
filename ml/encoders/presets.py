"""Checkpoints of encoder `clip` that have a name of their own. Importing this file loads no torch.

Each is a JSON file in configs/clip: hub id, revision, number format and preprocessing. What a
checkpoint says about its own preprocessing must agree with the preset, or it is not loaded: a
repository that changed under its name would give embeddings that compare with nothing. Where the
revision is a branch, the commit of the first load is kept, see `ml.weights.pins`.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ml.encoders.base import PreprocessConfig

_FOLDER = Path(__file__).with_name("configs") / "clip"
# The main encoder where nobody names another: ViT-B/32 as published by OpenAI.
DEFAULT = "openai_vit_b32"

NumberFormat = Literal["auto", "float32", "float16", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Preset:
    """One named checkpoint.

    Attributes:
        name: the file's name.
        hub_id: where the model hub has it.
        revision: branch, tag or commit there.
        dtype: number format that it runs in; "auto" is the best for the device.
        preprocess: what its own preprocessor config must say.
    """

    name: str
    hub_id: str
    revision: str
    dtype: NumberFormat
    preprocess: PreprocessConfig

    @property
    def reference(self) -> str:
        """The checkpoint as `ml.weights.hub.Hub` takes it."""
        return self.hub_id if self.revision == "main" else f"{self.hub_id}@{self.revision}"


def list_names() -> tuple[str, ...]:
    """Return the presets' names, the default first."""
    names = sorted(path.stem for path in _FOLDER.glob("*.json"))
    return DEFAULT, *(name for name in names if name != DEFAULT)


def read(name: str) -> Preset:
    """Return a preset.

    Args:
        name: one of `list_names`.
    """
    values = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    preprocess = PreprocessConfig.from_json(values.pop("preprocess"))
    return Preset(name=name, preprocess=preprocess, **values)
