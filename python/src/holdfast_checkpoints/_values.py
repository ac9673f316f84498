"""Values of Python on their way to the helper."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from typing import Any

from .checkpoints import sent_number
from .errors import InvalidArgument


def sent_step(step: Any) -> int:
    """Accepts every integer type, such as those of numpy. A bool is no step."""
    if not isinstance(step, bool):
        try:
            return operator.index(step)
        except TypeError:
            pass
    raise InvalidArgument(f"The step must be an integer, not {type(step).__name__}.")


def sent_metrics(metrics: Mapping[str, Any]) -> dict[str, float | str]:
    """Accepts everything that float() accepts, such as a tensor with one element."""
    result: dict[str, float | str] = {}
    for name, value in metrics.items():
        if isinstance(value, (str, bytes)):
            raise InvalidArgument(f"The metric {name!r} is {type(value).__name__}, not a number.")
        try:
            result[name] = sent_number(float(value))
        except (TypeError, ValueError) as error:
            raise InvalidArgument(f"The metric {name!r} is not a number: {error}.") from error
    return result


def sent_json(value: Any, where: str) -> str:
    """Writes a value as JSON that reads as the same value. Raises InvalidArgument if it would not."""
    _refuse_other_keys(value, where)
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument(
            f"{where} is not JSON: {error}. Pass None, bool, int, float, str, and lists and dicts of them. "
            "Save other values as a file of the checkpoint."
        ) from error


def _refuse_other_keys(value: Any, where: str, depth: int = 0) -> None:
    """json.dumps turns other keys into strings, so the restored value would differ."""
    if depth > 40:
        return  # the helper rejects such a value
    if isinstance(value, dict):
        for key, member in value.items():
            if not isinstance(key, str):
                raise InvalidArgument(f"{where} has the key {key!r}. Keys must be strings.")
            _refuse_other_keys(member, f"{where}.{key}", depth + 1)
    elif isinstance(value, (list, tuple)):
        for index, member in enumerate(value):
            _refuse_other_keys(member, f"{where}[{index}]", depth + 1)


def without_none(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
