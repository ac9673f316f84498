"""The frames of docs/serve.md."""

from __future__ import annotations

import struct
from collections.abc import Iterator

MAX_PAYLOAD = 2**20
HEADER = struct.Struct(">cII")

MESSAGE_PART = b"c"
MESSAGE = b"C"
DATA = b"D"
END = b"E"
ABORT = b"A"
CREDIT = b"W"


def header(kind: bytes, stream: int, length: int) -> bytes:
    return HEADER.pack(kind, stream, length)


def message_frames(text: bytes) -> Iterator[bytes]:
    """Yields the frames of a JSON-RPC message."""
    start = 0
    while len(text) - start > MAX_PAYLOAD:
        yield header(MESSAGE_PART, 0, MAX_PAYLOAD) + text[start : start + MAX_PAYLOAD]
        start += MAX_PAYLOAD
    yield header(MESSAGE, 0, len(text) - start) + text[start:]


def credit_frame(stream: int, amount: int) -> bytes:
    return header(CREDIT, stream, 4) + struct.pack(">I", amount)


def credit_of(payload: bytes) -> int:
    amount: int = struct.unpack(">I", payload)[0]
    return amount
