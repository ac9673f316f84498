"""The bytes of files on their way to and from the helper."""

from __future__ import annotations

import io
import queue
from collections.abc import Callable
from typing import Any, Protocol

from ._frames import MAX_PAYLOAD
from .errors import HoldfastError

#: How many bytes of a stream the helper may send ahead of the reader.
WINDOW = 4 * 2**20


class StreamClosed(Exception):
    """A stream takes no more bytes: it is complete, or it is not needed, for example because the save has failed."""


class StreamSender(Protocol):
    """What a stream needs of the helper."""

    def send_data(self, stream: int, data: memoryview) -> None: ...

    def send_end(self, stream: int) -> None: ...

    def send_abort(self, stream: int, message: str) -> None: ...

    def send_credit(self, stream: int, amount: int) -> None: ...


class Stream:
    """A stream, which gets its number when the call that uses it is sent. It has no lock: see FrameWriter."""

    #: 0 until it is sent.
    number = 0
    _sender: StreamSender

    def bind(self, number: int, sender: StreamSender) -> None:
        self.number = number
        self._sender = sender


class Upload(Stream):
    """A stream to the helper. It sends as many bytes as the helper has given credit for."""

    def __init__(self, on_wanted: Callable[[Upload], None]) -> None:
        """Calls `on_wanted` once, when the helper starts to read the stream."""
        super().__init__()
        self._on_wanted = on_wanted
        self._is_wanted = False
        self.is_closed = False
        self._grants: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._credit = 0  # of the thread that sends

    def add_credit(self, amount: int) -> None:
        self._grants.put(amount)
        if not self._is_wanted:
            self._is_wanted = True
            self._on_wanted(self)

    def close(self) -> None:
        """Stops the stream. A thread that sends gets StreamClosed."""
        self.is_closed = True
        self._grants.put(0)  # wakes the thread that sends

    def send(self, data: memoryview) -> None:
        """Sends all bytes. Raises StreamClosed if the stream takes no more."""
        while data.nbytes > 0:
            amount = self._take_credit(min(data.nbytes, MAX_PAYLOAD))
            self._sender.send_data(self.number, data[:amount])
            data = data[amount:]

    def end(self) -> None:
        self.close()  # bytes behind the end would end the helper
        self._sender.send_end(self.number)

    def abort(self, message: str) -> None:
        self.close()
        self._sender.send_abort(self.number, message)

    def _take_credit(self, wanted: int) -> int:
        while self._credit == 0 and not self.is_closed:
            self._credit += self._grants.get()
        if self.is_closed:
            raise StreamClosed
        amount = min(wanted, self._credit)
        self._credit -= amount
        return amount


class UploadWriter(io.BufferedIOBase):
    """The binary file that a writer such as `torch.save` writes to. It cannot seek. Small writes are gathered."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload
        self._gathered = bytearray()
        self._position = 0
        self._is_finished = False

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, data: Any, /) -> int:
        if self._is_finished:
            raise ValueError("The content of this file has ended. Write it before its function returns.")
        view = memoryview(data).cast("B")
        self._position += view.nbytes
        if view.nbytes + len(self._gathered) < MAX_PAYLOAD:
            self._gathered += view
            return view.nbytes
        self._send_gathered()
        self._upload.send(view)
        return view.nbytes

    def finish(self) -> None:
        """Sends the rest and the end of the stream."""
        self._is_finished = True
        self._send_gathered()
        self._upload.end()

    def _send_gathered(self) -> None:
        if self._gathered:
            gathered, self._gathered = self._gathered, bytearray()
            self._upload.send(memoryview(gathered))


class Download(Stream):
    """A stream from the helper."""

    def __init__(self) -> None:
        super().__init__()
        self._received: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._is_ended = False
        self._error: HoldfastError | None = None

    def receive(self, data: bytes) -> None:
        self._received.put(data)

    def end(self, error: HoldfastError | None = None) -> None:
        self._error = self._error or error
        self._is_ended = True
        self._received.put(None)

    def next_piece(self) -> bytes:
        """Waits for the next bytes. Returns none at the end. Raises the error of the helper, for example Corrupt."""
        at_end = self._is_ended and self._received.empty()
        piece = None if at_end else self._received.get()
        if piece is None:
            if self._error is not None:
                raise self._error
            return b""
        self._sender.send_credit(self.number, len(piece))
        return piece

    def start(self) -> None:
        self._sender.send_credit(self.number, WINDOW)

    def cancel(self) -> None:
        if self._is_ended:
            return
        self._sender.send_abort(self.number, "The reader closed the file.")


class DownloadReader(io.RawIOBase):
    """A file of a checkpoint as a binary file. Its end is reached only if every byte is verified."""

    def __init__(self, download: Download, on_close: Callable[[], None]) -> None:
        self._download = download
        self._on_close = on_close
        self._piece = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        if self._piece.nbytes == 0:
            self._piece = memoryview(self._download.next_piece())
        target = memoryview(buffer).cast("B")
        count = min(target.nbytes, self._piece.nbytes)
        target[:count] = self._piece[:count]
        self._piece = self._piece[count:]
        return count

    def close(self) -> None:
        if not self.closed:
            self._download.cancel()
            self._on_close()
        super().close()
