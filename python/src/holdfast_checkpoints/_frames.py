"""The frames of docs/serve.md."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import IO

MAX_PAYLOAD = 2**20
#: The largest message in bytes.
MAX_MESSAGE = 64 * 2**20
HEADER = struct.Struct(">cII")

MESSAGE_PART = b"c"
MESSAGE = b"C"
DATA = b"D"
END = b"E"
ABORT = b"A"
CREDIT = b"W"


def header(kind: bytes, stream: int, length: int) -> bytes:
    return HEADER.pack(kind, stream, length)


def message_frames(text: bytes) -> bytes:
    """Returns the frames of a JSON-RPC message."""
    frames = bytearray()
    start = 0
    while len(text) - start > MAX_PAYLOAD:
        frames += header(MESSAGE_PART, 0, MAX_PAYLOAD) + text[start : start + MAX_PAYLOAD]
        start += MAX_PAYLOAD
    return bytes(frames + header(MESSAGE, 0, len(text) - start) + text[start:])


def read_frames(pipe: IO[bytes]) -> Iterator[tuple[bytes, int, bytes]]:
    """Yields the type, the stream and the payload of each frame until the pipe ends. Joins the parts of a message."""
    parts: list[bytes] = []
    while (frame := _next_frame(pipe)) is not None:
        kind, stream, payload = frame
        if kind == MESSAGE_PART:
            parts.append(payload)
        elif kind == MESSAGE:
            yield kind, stream, b"".join([*parts, payload])
            parts = []
        else:
            yield frame


def _next_frame(pipe: IO[bytes]) -> tuple[bytes, int, bytes] | None:
    try:
        kind, stream, length = HEADER.unpack(_read_exactly(pipe, HEADER.size))
        return kind, stream, _read_exactly(pipe, length)
    except (EOFError, OSError, ValueError):
        return None  # the pipe has ended, or was closed in a forked child


def _read_exactly(pipe: IO[bytes], length: int) -> bytes:
    buffer = bytearray(length)
    view = memoryview(buffer)
    filled = 0
    while filled < length:
        count = pipe.readinto(view[filled:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        filled += count
    return bytes(buffer)


def credit_frame(stream: int, amount: int) -> bytes:
    return header(CREDIT, stream, 4) + struct.pack(">I", amount)


def credit_of(payload: bytes) -> int:
    amount: int = struct.unpack(">I", payload)[0]
    return amount
