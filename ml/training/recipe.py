"""A run's config, read from a JSON recipe and overridden by flags."""

import json
from collections.abc import Mapping
from dataclasses import Field, fields, is_dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ml.errors import InvalidTrainingConfig
from ml.training.config import TrainingConfig

# What a run takes that says nothing of its length.
DEFAULT_EPOCHS = 10


def read(recipe: Path | None, overrides: Mapping[str, Any]) -> TrainingConfig:
    """Return the config in a recipe, with single values replaced.

    Args:
        recipe: a JSON file of the shape of `TrainingConfig`; None is all defaults.
        overrides: dotted names of values ("loss.margin") and what replaces them, as JSON values or
            as the strings that stand for them on a command line.

    Raises:
        InvalidTrainingConfig: the file is not there or damaged; a key is unknown; a value is of the
            wrong type, out of range or contradicts another.
    """
    values = {} if recipe is None else _read_json(recipe)
    if overrides.keys() & {"steps", "epochs"}:  # however the recipe gives the length
        values = {key: values[key] for key in values if key not in ("steps", "epochs")}
    if not {**values, **overrides}.keys() & {"steps", "epochs"}:
        values["epochs"] = DEFAULT_EPOCHS
    for name, value in overrides.items():
        section, _, key = name.rpartition(".")
        target = values.setdefault(section, {}) if section else values
        if not isinstance(target, dict):
            raise InvalidTrainingConfig(f"The recipe's {section} is not an object.", key=section)
        target[key] = value
    try:
        return TypeAdapter(TrainingConfig).validate_python(values)
    except ValidationError as err:
        raise InvalidTrainingConfig(f"The training is not possible: {_why(err)}.") from err


def leaves(section: type[Any] = TrainingConfig, prefix: str = "") -> list[tuple[str, Any, Any]]:
    """Return every single value of a config: dotted name, type and default."""
    found: list[tuple[str, Any, Any]] = []
    for field in fields(section):
        if isinstance(field.type, type) and is_dataclass(field.type):
            found += leaves(field.type, f"{field.name}.")
        else:
            found.append((prefix + field.name, field.type, _default(field)))
    return found


def _default(field: Field[Any]) -> Any:
    """Return the default; a factory's where there is one, which pydantic keeps inside its own."""
    factory = getattr(field.default, "default_factory", None)
    return field.default if factory is None else factory()


def _read_json(recipe: Path) -> dict[str, Any]:
    try:
        values = json.loads(recipe.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise InvalidTrainingConfig(
            f"The recipe {recipe} cannot be read: {err}", recipe=str(recipe)
        ) from err
    if not isinstance(values, dict):
        raise InvalidTrainingConfig(f"The recipe {recipe} is not a JSON object.")
    return values


def _why(error: ValidationError) -> str:
    """Return all that is wrong, in one line."""
    reasons = []
    for problem in error.errors():
        location = ".".join(str(part) for part in problem["loc"])
        message = problem["msg"].removeprefix("Value error, ")
        if problem["type"] == "unexpected_keyword_argument":
            message = "no such setting"
        reasons.append(f"{location}: {message}" if location else message)
    return "; ".join(reasons)
