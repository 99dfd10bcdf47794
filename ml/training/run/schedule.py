"""The learning rate of every step."""

import math

from ml.training.config import OptimiserConfig


def learning_rate(config: OptimiserConfig, step: int, total_steps: int) -> float:
    """Return the learning rate that a step is made with.

    It rises in equal parts to the greatest over the first `warm_up` of all steps, then falls along
    half a cosine to `final_lr` of it at the last step.

    transformers has no schedule with these numbers: one of its warm-ups begins with a step of rate
    0, the other leaves the greatest rate a step earlier. And this one is a function of the step
    alone, so that a state needs no schedule to be resumed from.

    Args:
        config: the greatest rate, the warm-up and the final rate.
        step: from 0.
        total_steps: ≥ 1.
    """
    rising = round(config.warm_up * total_steps)
    if step < rising:
        return config.lr * ((step + 1) / rising)
    progress = min(1.0, (step - rising) / max(1, total_steps - rising - 1))
    falling = (1 + math.cos(math.pi * progress)) / 2
    return config.lr * (config.final_lr + (1 - config.final_lr) * falling)
