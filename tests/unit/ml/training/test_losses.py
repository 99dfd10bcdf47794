import math

import numpy as np
import pytest
import torch

from ml.training.config import LossConfig
from ml.training.losses import (
    Batch,
    CombinedLoss,
    InfoNceLoss,
    TripletLoss,
    anchor_loss,
    relation_loss,
)
from ml.training.mining import mine

LABELS = {
    "pairs": [0, 0, 1, 1, 2, 2],
    "several positives": [0, 0, 0, 1, 1, 2, 2, 2],
    "some alone": [4, 4, 5, 6, 7, 7],
}


def unit_rows(rng: np.random.Generator, count: int, dim: int = 5) -> torch.Tensor:
    rows = rng.standard_normal((count, dim))
    return torch.from_numpy(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def cosine(left: torch.Tensor, right: torch.Tensor) -> float:
    return sum(float(a) * float(b) for a, b in zip(left, right, strict=True))


def naive_triplet(rows, triplets, margin):
    terms = [
        max(0.0, (1 - cosine(rows[a], rows[p])) - (1 - cosine(rows[a], rows[n])) + margin)
        for a, p, n in triplets
    ]
    return sum(terms) / len(terms)


def naive_info_nce(rows, labels, temperature, *, is_symmetric, alike=frozenset()):
    terms = []
    for i, own in enumerate(labels):
        for p, other in enumerate(labels):
            if own != other or i == p or (not is_symmetric and p < i):
                continue
            positive = math.exp(cosine(rows[i], rows[p]) / temperature)
            negatives = sum(
                math.exp(cosine(rows[i], rows[n]) / temperature)
                for n, label in enumerate(labels)
                if label != own and (i, n) not in alike
            )
            terms.append(-math.log(positive / (positive + negatives)))
    return sum(terms) / len(terms)


def naive_relation(rows, sources, bank, teacher_temperature, student_temperature):
    total = 0.0
    for row, source in zip(rows, sources, strict=True):
        teacher = [math.exp(cosine(source, item) / teacher_temperature) for item in bank]
        student = [math.exp(cosine(row, item) / student_temperature) for item in bank]
        for t, s in zip(teacher, student, strict=True):
            share = t / sum(teacher)
            total += share * math.log(share / (s / sum(student)))
    return total / len(rows)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("margin", [0.05, 0.5])
def test_triplet_loss_is_the_mean_over_the_listed_triplets(labels, margin, rng):
    rows = unit_rows(rng, len(labels))
    listed = [
        (a, p, n)
        for a in range(len(labels))
        for p in range(len(labels))
        for n in range(len(labels))
        if a != p and labels[a] == labels[p] != labels[n]
    ]

    loss = TripletLoss(margin)(rows, torch.tensor(listed))

    assert loss.item() == pytest.approx(naive_triplet(rows, listed, margin), abs=1e-12)


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("is_symmetric", [True, False], ids=["symmetric", "one-sided"])
@pytest.mark.parametrize("temperature", [0.05, 0.4])
def test_info_nce_is_the_mean_over_the_listed_pairs(labels, is_symmetric, temperature, rng):
    rows = unit_rows(rng, len(labels))
    loss = InfoNceLoss(temperature, is_symmetric=is_symmetric).double()
    with torch.no_grad():
        loss.log_temperature.fill_(math.log(temperature))  # in float64, unlike the constructor

    value = loss(rows, torch.tensor(labels)).item()

    expected = naive_info_nce(rows, labels, temperature, is_symmetric=is_symmetric)
    assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("learned", "used"), [(0.001, 0.01), (0.07, 0.07), (3.0, 0.5)], ids=["low", "within", "high"]
)
def test_the_temperature_stays_in_its_range(learned, used):
    loss = InfoNceLoss(0.1, is_symmetric=True)
    with torch.no_grad():
        loss.log_temperature.fill_(math.log(learned))

    before = loss.temperature().item()
    loss.clamp()

    assert before == pytest.approx(used)
    assert loss.log_temperature.exp().item() == pytest.approx(used)


def test_the_temperature_learns(rng):
    loss = InfoNceLoss(0.2, is_symmetric=True)
    labels = torch.tensor([0, 0, 1, 1])
    rows = unit_rows(rng, 4).float()

    loss(rows, labels).backward()

    # The oracle: the difference quotient of the plain loop.
    step = 1e-4
    high, low = (
        naive_info_nce(rows, [0, 0, 1, 1], 0.2 * math.exp(sign * step), is_symmetric=True)
        for sign in (1, -1)
    )
    assert loss.log_temperature.grad.item() == pytest.approx((high - low) / (2 * step), rel=1e-3)


def test_anchor_loss_is_the_weighted_mean_distance(rng):
    rows, sources = unit_rows(rng, 4), unit_rows(rng, 4)
    weights = [1.0, 0.0, 0.5, 2.0]

    loss = anchor_loss(rows, sources, torch.tensor(weights, dtype=torch.float64))

    distances = [1 - cosine(row, source) for row, source in zip(rows, sources, strict=True)]
    expected = sum(w * d for w, d in zip(weights, distances, strict=True)) / 4
    assert loss.item() == pytest.approx(expected, abs=1e-12)


def test_relation_loss_is_the_divergence_of_two_softmaxes(rng):
    rows, sources, bank = unit_rows(rng, 4), unit_rows(rng, 4), unit_rows(rng, 9)

    loss = relation_loss(rows, sources, bank, teacher_temperature=0.1, student_temperature=0.3)

    assert loss.item() == pytest.approx(naive_relation(rows, sources, bank, 0.1, 0.3), abs=1e-12)


def test_relation_loss_is_nothing_where_the_view_is_its_source(rng):
    rows, bank = unit_rows(rng, 4), unit_rows(rng, 9)

    loss = relation_loss(rows, rows, bank, teacher_temperature=0.1, student_temperature=0.1)

    assert loss.item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(
    "lonely",
    [
        pytest.param(
            lambda rows: TripletLoss(0.2)(rows, torch.empty((0, 3), dtype=torch.int64)),
            id="no triplet",
        ),
        pytest.param(
            lambda rows: InfoNceLoss(0.1, is_symmetric=True)(rows, torch.tensor([1, 2, 3])),
            id="no pair",
        ),
    ],
)
def test_a_batch_without_positives_moves_nothing(lonely, rng):
    rows = unit_rows(rng, 3).requires_grad_()

    loss = lonely(rows)
    loss.backward()

    assert loss.item() == 0.0
    assert torch.equal(rows.grad, torch.zeros_like(rows))


def test_the_sum_is_weighted_and_its_parts_are_not(rng):
    # given: every term has its own weight
    rows, bank = unit_rows(rng, 4), unit_rows(rng, 6)
    config = LossConfig(
        triplet_weight=0.5,
        info_nce_weight=0.25,
        margin=0.3,
        mining="all",
        temperature=0.1,
        anchor_photo_weight=2.0,
        anchor_drawing_weight=3.0,
        relation_weight=0.125,
        relation_teacher_temperature=0.1,
        relation_student_temperature=0.2,
    )
    labels, media = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 0, 1])
    batch = Batch(labels, media, media == 1, sources=torch.tensor([5, 5, 2, 2]))
    combined = CombinedLoss(config, bank).double()

    losses = combined(rows, batch)

    triplets = mine("all", rows, labels, media, margin=0.3).tolist()
    sources = bank[[5, 5, 2, 2]]
    weights = torch.tensor([2.0, 3.0, 2.0, 3.0], dtype=torch.float64)
    parts = {
        "triplet": naive_triplet(rows, triplets, 0.3),
        "info_nce": naive_info_nce(rows, labels.tolist(), 0.1, is_symmetric=True),
        "anchor": anchor_loss(rows, sources, weights).item(),
        "relation": naive_relation(rows, sources, bank, 0.1, 0.2),
    }
    # The temperature is stored in float32, hence the tolerance.
    assert {name: losses[name].item() for name in parts} == pytest.approx(parts, rel=1e-6)
    total = (
        0.5 * parts["triplet"]
        + 0.25 * parts["info_nce"]
        + parts["anchor"]
        + 0.125 * parts["relation"]
    )
    assert losses["loss"].item() == pytest.approx(total, rel=1e-6)


def test_a_term_without_weight_is_not_computed(rng):
    config = LossConfig(triplet_weight=0.0, info_nce_weight=1.0)
    batch = Batch(*(torch.tensor([0, 0, 1, 1]) for _ in range(4)))

    losses = CombinedLoss(config, None)(unit_rows(rng, 4).float(), batch)

    assert sorted(losses) == ["info_nce", "loss"]


# Subjects that are alike


@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS)
@pytest.mark.parametrize("is_symmetric", [True, False], ids=["symmetric", "one-sided"])
def test_alike_rows_are_in_no_denominator(labels, is_symmetric, rng):
    # given: about half of all pairs are alike, some of them of the same label
    rows = unit_rows(rng, len(labels))
    matrix = rng.random((len(labels), len(labels))) < 0.5
    alike = {(int(i), int(n)) for i, n in np.argwhere(matrix)}
    loss = InfoNceLoss(0.1, is_symmetric=is_symmetric).double()

    value = loss(rows, torch.tensor(labels), torch.from_numpy(matrix)).item()

    temperature = loss.temperature().item()  # kept in float32
    expected = naive_info_nce(rows, labels, temperature, is_symmetric=is_symmetric, alike=alike)
    assert value == pytest.approx(expected, abs=1e-12)


def test_a_batch_in_which_all_is_alike_moves_nothing(rng):
    rows = unit_rows(rng, 4).requires_grad_()
    loss = InfoNceLoss(0.1, is_symmetric=True)

    value = loss(rows, torch.tensor([0, 0, 1, 1]), torch.ones((4, 4), dtype=torch.bool))
    value.backward()

    assert value.item() == 0.0
    assert torch.equal(rows.grad, torch.zeros_like(rows))
    assert loss.log_temperature.grad.item() == 0.0


@pytest.mark.parametrize("mining", ["all", "hard", "semi_hard", "cross_medium"])
@pytest.mark.parametrize("score", [-0.9, 0.0, 0.3, 0.95])
def test_pairs_of_alike_sources_are_no_negatives_of_either_loss(mining, score, rng):
    # given: three subjects, two views of each, made of six pictures of a bank of eight
    rows, bank = unit_rows(rng, 6), unit_rows(rng, 8)
    labels, media = torch.tensor([0, 0, 1, 1, 2, 2]), torch.tensor([0, 1] * 3)
    sources = [7, 0, 3, 4, 1, 6]
    batch = Batch(labels, media, media == 1, sources=torch.tensor(sources))
    config = LossConfig(mining=mining, margin=0.3, temperature=0.1, alike_score=score)

    losses = CombinedLoss(config, bank).double()(rows, batch)

    # then: the loops leave out the pairs whose sources score higher
    alike = {
        (i, n)
        for i in range(6)
        for n in range(6)
        if cosine(bank[sources[i]], bank[sources[n]]) > score
    }
    every = mine("all", rows, labels, media, margin=0.3).tolist()
    allowed = {(a, n) for a, _, n in every} - alike
    matrix = torch.tensor([[(i, n) in alike for n in range(6)] for i in range(6)])
    triplets = mine(mining, rows, labels, media, margin=0.3, alike=matrix).tolist()
    assert {(a, n) for a, _, n in triplets} <= allowed
    triplet = naive_triplet(rows, triplets, 0.3) if triplets else 0.0
    info_nce = naive_info_nce(rows, labels.tolist(), 0.1, is_symmetric=True, alike=alike)
    assert losses["triplet"].item() == pytest.approx(triplet, rel=1e-6)
    assert losses["info_nce"].item() == pytest.approx(info_nce, rel=1e-5, abs=1e-12)


def test_without_an_alike_score_all_subjects_are_told_apart(rng):
    rows, bank = unit_rows(rng, 4), torch.ones((4, 1), dtype=torch.float64)
    labels = torch.tensor([0, 0, 1, 1])
    batch = Batch(labels, labels, labels == 1, sources=torch.arange(4))

    losses = CombinedLoss(LossConfig(temperature=0.1), bank).double()(rows, batch)

    expected = naive_info_nce(rows, [0, 0, 1, 1], 0.1, is_symmetric=True)
    assert losses["info_nce"].item() == pytest.approx(expected, rel=1e-6)
