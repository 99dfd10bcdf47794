"""Kinds of arguments that several commands take."""

import argparse

from semblance_client.shapes import Box


def count(text: str) -> int:
    """Return a number from 1."""
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError("it has to be a number from 1")
    return int(text)


def box(text: str) -> Box:
    """Return a part of a picture."""
    try:
        return Box(*map(int, text.split(",")))
    except (TypeError, ValueError) as error:
        raise argparse.ArgumentTypeError("it has to be X0,Y0,X1,Y1 in pixels") from error
