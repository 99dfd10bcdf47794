"""The examples in docstrings are run as they stand."""

import doctest
import importlib

import pytest

MODULES = (
    "ml.evaluation.report",
    "ml.evaluation.objects.average_precision",
    "ml.evaluation.panels.figures",
    "ml.evaluation.proportions",
    "ml.evaluation.retrieval.metrics",
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_show_what_they_print(name):
    found = doctest.testmod(importlib.import_module(name))

    assert found.attempted > 0
    assert found.failed == 0
