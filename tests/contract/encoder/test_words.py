"""What every encoder that knows words promises, and how the others say that they know none."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import CLIPModel, CLIPVisionConfig, CLIPVisionModelWithProjection, SiglipModel

from ml.encoders import checkpoint, registry
from ml.errors import CheckpointMismatch, EncoderKnowsNoWords, WeightsUnavailable
from ml.weights.hub import Hub
from tests.contract.encoder.checkpoints import (
    CLIP_DIM,
    SIGLIP_DIM,
    clip_tokenizer,
    pictures,
    siglip_tokenizer,
)
from tests.contract.encoder.hub_server import COMMIT, REPO_ID, put_on_disk

TEXTS = ["a red car", "рыжий кот", "猫 と 犬", "x", "a long text, longer than it is read " * 20]


def clip_by_the_library(folder: Path, texts: list[str]) -> np.ndarray:
    """One text after the other, without any filling up."""
    model, tokenizer = CLIPModel.from_pretrained(folder).eval(), clip_tokenizer()
    rows = []
    for text in texts:
        tokens = tokenizer(text, truncation=True, max_length=24, return_tensors="pt")
        with torch.inference_mode():
            output = model(pixel_values=torch.zeros(1, 3, 32, 32), **tokens)
        rows.append(output.text_embeds[0].numpy())
    return np.stack(rows)


def siglip_by_the_library(folder: Path, texts: list[str]) -> np.ndarray:
    """In small letters, without punctuation, each filled up to 16 tokens by their end."""
    model, tokenizer = SiglipModel.from_pretrained(folder).eval(), siglip_tokenizer()
    tokenizer.enable_truncation(16)
    rows = []
    for text in texts:
        ids = tokenizer.encode(text.lower().replace(",", "")).ids
        filled = torch.tensor([ids + [1] * (16 - len(ids))])
        with torch.inference_mode():
            output = model(pixel_values=torch.zeros(1, 3, 32, 32), input_ids=filled)
        rows.append(output.text_embeds[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize(
    ("kind", "dim", "by_the_library"),
    [("clip", CLIP_DIM, clip_by_the_library), ("siglip", SIGLIP_DIM, siglip_by_the_library)],
)
def test_words_are_embedded_as_the_library_does(kind, dim, by_the_library, request) -> None:
    folder = request.getfixturevalue(f"{kind}_folder")
    encoder = registry.load(f"clip:{folder}", device="cpu", precision="float32")

    words = registry.load_words(f"clip:{folder}", device="cpu")
    found = words.embed_texts(TEXTS)

    assert (found.dtype, found.shape) == (np.dtype(np.float32), (len(TEXTS), dim))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    expected = by_the_library(folder, TEXTS)
    assert (np.einsum("nd,nd->n", found, expected) > 0.999).all()
    # Different texts are told from each other, so that the comparison above says something.
    assert (np.abs(expected @ expected.T - np.eye(len(TEXTS))) < 0.9999).all()
    assert words.spec.weights_sha256 == encoder.spec.weights_sha256
    assert words.spec.dim == encoder.spec.dim
    assert words.embed_texts([]).shape == (0, dim)


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_the_score_of_words_and_a_picture_is_the_networks_own(kind, request) -> None:
    folder = request.getfixturevalue(f"{kind}_folder")
    images = registry.load(f"clip:{folder}", device="cpu", precision="float32").encode(pictures(4))
    words = registry.load_words(f"clip:{folder}", device="cpu").embed_texts(["a red car"])

    model = (CLIPModel if kind == "clip" else SiglipModel).from_pretrained(folder).eval()
    bias = 0.0 if kind == "clip" else model.logit_bias.item()
    text = (clip_by_the_library if kind == "clip" else siglip_by_the_library)(folder, ["a red car"])
    with torch.inference_mode():
        logits = images @ text.T * model.logit_scale.exp().item() + bias
    ours = images @ words.T * model.logit_scale.exp().item() + bias
    np.testing.assert_allclose(ours, logits, atol=0.05)


def test_each_row_is_what_it_is_alone(clip_folder) -> None:
    words = registry.load_words(f"clip:{clip_folder}", device="cpu")

    together = words.embed_texts(TEXTS)

    alone = np.concatenate([words.embed_texts([text]) for text in TEXTS])
    assert (np.einsum("nd,nd->n", together, alone) > 0.999).all()


@pytest.mark.parametrize("kind", ["clip", "siglip"])
@pytest.mark.parametrize(
    "hostile",
    ["", " ", "\0", "a\nb\r\tc", "<|endoftext|><|startoftext|>", "</s>", "\ud800", "🐈" * 5000,
     "\u202e desrever", "%s {} $(id) ../../etc/passwd"],
)  # fmt: skip
def test_hostile_words_are_words(kind, hostile, request) -> None:
    folder = request.getfixturevalue(f"{kind}_folder")

    [row] = registry.load_words(f"clip:{folder}", device="cpu").embed_texts([hostile])

    assert np.linalg.norm(row) == pytest.approx(1, abs=1e-5)


def test_control_characters_say_nothing(clip_folder) -> None:
    words = registry.load_words(f"clip:{clip_folder}", device="cpu")

    plain, hostile = words.embed_texts(["a red car", "\0a\u0007 red\r\n\tcar "])

    np.testing.assert_allclose(plain, hostile, atol=1e-6)


@pytest.mark.parametrize(
    "choice", ["semblance_lite", "efficientnet_lite", "yolo", "clip_blip_fusion:clip"]
)
def test_encoders_without_a_text_tower_know_no_words(choice: str) -> None:
    with pytest.raises(EncoderKnowsNoWords, match="knows no words") as error:
        registry.load_words(choice, device="cpu")

    assert error.value.code == "ml:encoder-knows-no-words"


def test_a_trained_clip_has_left_its_words_behind(clip_folder, tmp_path) -> None:
    checkpoint.save(registry.load_network(f"clip:{clip_folder}"), tmp_path / "mine")

    for choice in (f"clip:{tmp_path / 'mine'}", str(tmp_path / "mine")):
        with pytest.raises(EncoderKnowsNoWords, match="knows no words"):
            registry.load_words(choice, device="cpu")


def test_an_image_tower_alone_knows_no_words(folder) -> None:
    config = CLIPVisionConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1)
    CLIPVisionModelWithProjection(config).save_pretrained(folder)

    with pytest.raises(EncoderKnowsNoWords, match="no text tower"):
        registry.load_words(f"clip:{folder}", device="cpu")


def test_without_a_tokenizer_no_words_are_known(folder) -> None:
    (folder / "tokenizer.json").unlink()

    with pytest.raises(EncoderKnowsNoWords, match=r"no tokenizer\.json"):
        registry.load_words(f"clip:{folder}", device="cpu")


def test_a_damaged_tokenizer_is_a_damaged_checkpoint(folder) -> None:
    (folder / "tokenizer.json").write_text("{")

    with pytest.raises(CheckpointMismatch, match="tokenizer"):
        registry.load_words(f"clip:{folder}", device="cpu")


def test_code_beside_a_checkpoint_is_not_run(folder) -> None:
    (folder / "evil.py").write_text(f"open({str(folder / 'ran')!r}, 'w')\nclass Evil: pass\n")
    options = json.loads((folder / "tokenizer_config.json").read_text())
    options |= {"tokenizer_class": "Evil", "auto_map": {"AutoTokenizer": ["evil.Evil", None]}}
    (folder / "tokenizer_config.json").write_text(json.dumps(options))

    [row] = registry.load_words(f"clip:{folder}", device="cpu").embed_texts(["a red car"])

    # The tokens are read by the library's own class.
    assert row @ clip_by_the_library(folder, ["a red car"])[0] > 0.999
    assert not (folder / "ran").exists()


def test_a_text_tower_of_another_space_knows_no_words(siglip_folder, tmp_path) -> None:
    folder = Path(shutil.copytree(siglip_folder, tmp_path / "other"))
    config = json.loads((folder / "config.json").read_text())
    config["text_config"]["projection_size"] = SIGLIP_DIM + 8
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(EncoderKnowsNoWords, match="cannot be compared"):
        registry.load_words(f"clip:{folder}", device="cpu")


def test_the_tokenizer_is_fetched_of_the_same_commit_once(server, cache) -> None:
    hub = Hub(cache, endpoint=server.endpoint)
    pictures_alone = hub.locate(REPO_ID)
    server.requests.clear()

    found = hub.locate_with_tokenizer(REPO_ID)

    assert found == pictures_alone
    assert (found.folder / "tokenizer.json").is_file()
    asked = [request for request in server.requests if request.startswith("GET")]
    assert [request.partition("/resolve/")[2] for request in asked] == [
        f"{COMMIT}/tokenizer_config.json",
        f"{COMMIT}/tokenizer.json",
    ]
    server.requests.clear()
    assert hub.locate_with_tokenizer(REPO_ID) == found
    assert server.requests == []


def test_a_repository_without_a_tokenizer_knows_no_words(server, cache, folder) -> None:
    (folder / "tokenizer.json").unlink()

    with pytest.raises(EncoderKnowsNoWords, match=r"no tokenizer\.json"):
        Hub(cache, endpoint=server.endpoint).locate_with_tokenizer(REPO_ID)


def test_nobody_knows_of_words_while_the_hub_is_away(cache, folder, nobody_listens) -> None:
    (folder / "tokenizer.json").unlink()
    put_on_disk(cache, REPO_ID, folder)

    with pytest.raises(WeightsUnavailable, match="cannot be reached"):
        Hub(cache, endpoint=nobody_listens).locate_with_tokenizer(REPO_ID)
