import numpy as np
import pytest

from ml.rules.pair_score import pair_score


@pytest.mark.parametrize(
    ("query", "hit", "score"),
    [
        ("whole", "whole", 0.8),
        ("whole", "panel", 0.8),
        ("panel", "panel", 0.8),
        ("whole", "object", 0.65),
        ("object", "whole", 0.65),
        ("object", "panel", 0.65),
        ("object", "object", 0.65),
        ("box", "whole", 0.8),
        ("box", "panel", 0.8),
        ("box", "object", 0.65),
    ],
)
def test_a_pair_with_an_object_has_to_be_better(query, hit, score):
    assert pair_score(query, hit, 0.8) == pytest.approx(score)
    scores = pair_score(query, hit, np.array([0.8, -0.2], np.float32))
    assert scores.dtype == np.float32
    assert scores == pytest.approx(np.array([score, score - 1.0]), abs=1e-6)
