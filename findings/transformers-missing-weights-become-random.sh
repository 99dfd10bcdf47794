#!/bin/sh
# transformers: a checkpoint without one of its weights loads, with random numbers in its place.
#
# Guess: from_pretrained raises when a tensor that the network needs is not in the file.
# Seen:  it only prints a report; two loads of the same file then give different networks, and so
#        embeddings that compare with nothing. output_loading_info=True is what tells a program.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check transformers==5.23.0 torch==2.14.1 safetensors==0.8.0 numpy==2.4.6
venv/bin/python - <<'PY'
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModel
from transformers.utils import logging

logging.set_verbosity_error()
size = {"hidden_size": 32, "intermediate_size": 32, "num_attention_heads": 2}
config = CLIPVisionConfig(**size, num_hidden_layers=2, image_size=32, patch_size=16)
folder = Path(tempfile.mkdtemp())
CLIPVisionModel(config).save_pretrained(folder)
weights = load_file(folder / "model.safetensors")
lost = next(name for name in weights if "layers.1.mlp.fc1.weight" in name)
del weights[lost]
save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
pixels = torch.ones(1, 3, 32, 32)
with torch.no_grad():
    one, other = (
        CLIPVisionModel.from_pretrained(folder).eval()(pixels).pooler_output for _ in range(2)
    )
print("loaded twice without an error; the same network:", torch.equal(one, other))
assert not torch.equal(one, other)
PY
