import numpy as np
import pytest
import torch

from ml.encoders import whitening
from ml.encoders.whitening import Whitening

DIM = 6


def views(rng, *, subjects=40, each=3, scales=(2, 1, 1, 0.5, 0.2, 0.1)):
    """(N, DIM) float64 outputs and their labels; views of a subject differ by `scales`."""
    labels = np.repeat(np.arange(subjects), each)
    places = rng.normal(size=(subjects, DIM))[labels]
    return places + rng.normal(size=places.shape) * scales, labels


def rooted(outputs):
    """Row by row: what the definition says."""
    rows = []
    for output in outputs:
        roots = [np.sign(value) * abs(value) ** 0.5 for value in output]
        rows.append(np.array(roots) / np.sqrt(sum(root**2 for root in roots)))
    return np.array(rows)


def scatter_of(rows, labels):
    """The covariance of differences within subjects, by one pair of views and axis at a time."""
    total, freedom = np.zeros((DIM, DIM)), 0
    for label in set(labels.tolist()):
        members = rows[labels == label]
        mean = sum(members) / len(members)
        for row in members:
            total += np.outer(row - mean, row - mean)
        freedom += len(members) - 1
    return total / freedom


def fitted(outputs, labels, *, ridge):
    return whitening.fit(torch.from_numpy(outputs), torch.from_numpy(labels), ridge=ridge)


def test_differences_within_subjects_become_the_same_in_all_directions(rng):
    outputs, labels = views(rng)

    whitened = fitted(outputs, labels, ridge=1e-9)(torch.from_numpy(outputs).float())

    after = scatter_of(whitened.double().numpy(), labels)
    assert after / after[0, 0] == pytest.approx(np.eye(DIM), abs=1e-3)


@pytest.mark.parametrize("ridge", [0.1, 1.0, 5.0])
def test_the_matrix_is_the_inverse_root_of_the_eased_scatter(rng, ridge):
    outputs, labels = views(rng)

    found = fitted(outputs, labels, ridge=ridge)

    rows = rooted(outputs)
    scatter = scatter_of(rows, labels)
    eased = scatter + ridge * np.trace(scatter) / DIM * np.eye(DIM)
    matrix = found.projection.double().numpy()
    product = matrix @ eased @ matrix
    assert product / product[0, 0] == pytest.approx(np.eye(DIM), abs=1e-4)
    assert np.linalg.norm(matrix, 2) == pytest.approx(1, abs=1e-5)
    assert found.centre.numpy() == pytest.approx(rows.mean(axis=0), abs=1e-5)


def test_only_directions_count_not_lengths(rng):
    outputs, labels = views(rng)
    found = fitted(outputs, labels, ridge=1.0)
    some = torch.from_numpy(outputs[:5]).float()

    assert torch.allclose(found(some * 1000), found(some), atol=1e-5)


def test_subjects_need_not_lie_side_by_side_nor_have_equally_many_views(rng):
    outputs, labels = views(rng)
    kept = np.concatenate([np.arange(50), np.arange(60, 70)])
    order = rng.permutation(kept)

    one = fitted(outputs[kept], labels[kept], ridge=1.0)
    other = fitted(outputs[order], labels[order], ridge=1.0)

    assert torch.allclose(one.projection, other.projection, atol=1e-6)


def test_views_without_any_difference_turn_nothing():
    outputs = np.repeat(np.eye(DIM), 2, axis=0)

    found = fitted(outputs, np.repeat(np.arange(DIM), 2), ridge=1.0)

    assert found.projection.numpy() == pytest.approx(np.eye(DIM), abs=1e-6)


def test_gradients_are_finite_where_outputs_are_zero(rng):
    outputs, labels = views(rng)
    found = fitted(outputs, labels, ridge=1.0)
    inputs = torch.tensor([[0.0, 0.0, 1.0, 2.0, 0.0, 3.0]], requires_grad=True)

    found(inputs).sum().backward()

    assert torch.isfinite(inputs.grad).all()
    assert inputs.grad.any()


def test_a_fit_needs_a_subject_with_two_views(rng):
    outputs, _ = views(rng)

    with pytest.raises(ValueError, match="no subject has two views"):
        fitted(outputs, np.arange(len(outputs)), ridge=1.0)


@pytest.mark.parametrize(
    ("centre", "projection"),
    [
        pytest.param(torch.zeros(3), torch.zeros(3, 4), id="not-square"),
        pytest.param(torch.zeros(4), torch.zeros(3, 3), id="other-dimensions"),
        pytest.param(torch.zeros(1, 3), torch.zeros(3, 3), id="centre-is-a-matrix"),
        pytest.param(torch.full((3,), torch.nan), torch.zeros(3, 3), id="nan"),
        pytest.param(torch.zeros(3), torch.full((3, 3), torch.inf), id="infinite"),
        pytest.param(
            torch.full((3,), 1e300, dtype=torch.float64), torch.zeros(3, 3), id="beyond-float32"
        ),
    ],
)
def test_a_damaged_whitening_is_refused(centre, projection):
    with pytest.raises(ValueError, match="whitening"):
        Whitening(centre, projection)
