"""The one error of this package."""


class CannotStart(Exception):
    """The set-up or the start cannot go on; the text is for the person at the terminal."""
