"""An encoder's and a detector's pace, on a clock that their work moves on."""

from ml.bench import detector, encoder
from ml.bench.encoder import EncoderSpeed
from tests.contract.encoder.checkpoints import pictures
from tests.unit.ml.bench.clocks import Steps


def test_both_ways_take_turns_and_the_first_pass_does_not_count():
    clock = Steps()
    encode, plain = clock.work(100.0, 1.0, 2.0, 4.0), clock.work(100.0, 4.0, 4.0, 4.0)

    speed = encoder.measure(encode, plain, pictures(8), rounds=3, clock=clock)

    # Per round the plain loop takes 4, 2 and 1 times as long.
    assert speed == EncoderSpeed(encoder_per_s=4.0, plain_per_s=2.0, ratio=2.0)


def test_a_detector_is_timed_without_its_first_pass():
    clock = Steps()
    detect = clock.work(100.0, 1.0, 4.0, 2.0)

    assert detector.measure_ms(detect, pictures(4), rounds=3, clock=clock) == 500.0
