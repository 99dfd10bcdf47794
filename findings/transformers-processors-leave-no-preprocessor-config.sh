#!/bin/sh
# transformers 5: a saved CLIPProcessor has no preprocessor_config.json any more.
#
# Guess: the file that every CLIP repository on the hub has is what save_pretrained writes.
# Seen:  the image part lies inside processor_config.json; only an image processor saved alone leaves
#        preprocessor_config.json. A loader has to look into both.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
"${PYTHON:-python3.11}" -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check transformers==5.23.0 torch==2.14.1 torchvision==0.29.1 pillow==13.0.0 numpy==2.4.6
venv/bin/python - <<'PY'
import json
import tempfile
from pathlib import Path

from transformers import CLIPImageProcessor, CLIPProcessor, CLIPTokenizer

folder, alone = Path(tempfile.mkdtemp()), Path(tempfile.mkdtemp())
vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2, "a": 3}
(folder / "vocab.json").write_text(json.dumps(vocabulary))
(folder / "merges.txt").write_text("#version: 0.2\n")
tokenizer = CLIPTokenizer.from_pretrained(folder)
saved = Path(tempfile.mkdtemp())
CLIPProcessor(image_processor=CLIPImageProcessor(), tokenizer=tokenizer).save_pretrained(saved)
CLIPImageProcessor().save_pretrained(alone)
names = sorted(path.name for path in saved.iterdir())
print("processor:", names, "· image processor alone:", [path.name for path in alone.iterdir()])
assert "preprocessor_config.json" not in names
assert "image_processor" in json.loads((saved / "processor_config.json").read_text())
assert [path.name for path in alone.iterdir()] == ["preprocessor_config.json"]
PY
