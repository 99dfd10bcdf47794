"""Clocks on which timed work takes the seconds that a test says."""


class Durations:
    """A clock on which the passes that are timed take the given seconds, one after another."""

    def __init__(self, *seconds):
        self.now_s = 0.0
        self.left = list(seconds)
        self.is_running = False

    def __call__(self):
        if self.is_running:
            self.now_s += self.left.pop(0)
        self.is_running = not self.is_running
        return self.now_s


class Steps:
    """A clock that the timed work itself moves on."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s

    def work(self, *seconds: float):
        left = list(seconds)

        def embed(_images) -> None:
            self.now_s += left.pop(0)

        return embed
