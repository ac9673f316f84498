"""The messages that the helper receives."""

from __future__ import annotations

import json
import operator
from collections.abc import Mapping
from typing import Any

from ._frames import MAX_MESSAGE, message_frames
from ._streams import Stream
from .errors import InvalidArgument


def request_frames(number: int, method: str, params: Mapping[str, Any]) -> bytes:
    """
    Returns the frames of a request. A stream is sent as its number, and a number of numpy as one of Python.

    Raises InvalidArgument for a parameter that JSON cannot express, and if the request is too long.
    """
    try:
        text = _json({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
    except (TypeError, ValueError, RecursionError) as error:
        name = next((name for name, value in params.items() if not _is_json(value)), method)
        raise InvalidArgument(
            f"{name} is not valid: {error}. Pass numbers, strings, and lists and dicts of them."
        ) from error
    if len(text) > MAX_MESSAGE:
        raise InvalidArgument(
            f"The parameters of {method} have {len(text)} bytes of JSON. At most {MAX_MESSAGE} bytes are possible. "
            "Save large metadata as a file of the checkpoint."
        )
    return message_frames(text)


def notification_frames(method: str, params: Mapping[str, Any]) -> bytes:
    return message_frames(_json({"jsonrpc": "2.0", "method": method, "params": params}))


def _json(value: object) -> bytes:
    return json.dumps(value, default=_plain, allow_nan=False).encode()


def _is_json(value: object) -> bool:
    try:
        _json(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _plain(value: Any) -> int | float:
    if isinstance(value, Stream):
        return value.number
    if hasattr(value, "__index__"):
        try:
            return operator.index(value)
        except TypeError:
            pass  # a tensor is an index only if it has one integer
    if hasattr(value, "__float__"):
        return float(value)
    raise TypeError(f"{type(value).__name__} is not JSON")
