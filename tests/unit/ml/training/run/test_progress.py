import time

import pytest

from ml.training.run.progress import RunProgress


def test_the_time_before_a_resume_counts():
    progress = RunProgress(earlier_s=100.0, began_s=time.monotonic() - 5.0)

    assert progress.elapsed_s() == pytest.approx(105.0, abs=1.0)


def test_the_time_of_preparing_does_not_count():
    progress = RunProgress(earlier_s=100.0, began_s=time.monotonic() - 50.0)

    progress.start_clock()

    assert progress.elapsed_s() == pytest.approx(100.0, abs=1.0)
