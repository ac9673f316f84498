"""The helper process, which runs `holdfast serve --stdio`, and its pipes. See docs/serve.md."""

from __future__ import annotations

import itertools
import json
import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import IO, Any

from ._command import command
from ._frames import (
    ABORT,
    CREDIT,
    DATA,
    END,
    HEADER,
    MESSAGE,
    MESSAGE_PART,
    credit_frame,
    credit_of,
    header,
    message_frames,
)
from ._streams import Download, Stream, Upload
from ._version import __version__
from .errors import HoldfastError, InvalidArgument, Unavailable, error_from

log = logging.getLogger("holdfast_checkpoints")

PROTOCOL = 1

#: Seconds that a cancelled call, and a helper whose stores are closed, have to end.
TIME_TO_END = 5.0

EventListener = Callable[[str, Mapping[str, Any]], None]
ProgressListener = Callable[[int, "int | None"], None]


class Call:
    """A call that was sent."""

    def __init__(self, number: int, helper: Helper) -> None:
        self.number = number
        self.response: Future[Any] = Future()
        self._helper = helper

    def cancel(self) -> None:
        self._helper.cancel(self)

    def result(self) -> Any:
        """Waits for the result. If the wait is interrupted, cancels the call and waits until it has stopped."""
        try:
            return self.response.result()
        except HoldfastError:
            raise
        except BaseException:  # Ctrl-C, or an exception of another signal handler
            self.stop()
            raise

    def stop(self) -> None:
        """Cancels the call, and waits until it has stopped."""
        self.cancel()
        try:
            self.response.result(TIME_TO_END)
        except (HoldfastError, TimeoutError):
            pass  # the caller raises the reason for the cancel


class Helper:
    """
    One helper process. Any thread may use it. It ends with this process, however this process ends.

    It runs in a session of its own, so that Ctrl-C reaches only this process.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = subprocess.Popen(
            [*command(), "serve", "--stdio"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
        self._writing = threading.Lock()
        self._state = threading.Lock()
        self._ids = itertools.count(1)
        self._stream_numbers = itertools.count(1)
        self._calls: dict[int, Call] = {}
        self._streams: dict[int, Stream] = {}
        self._listeners: dict[int, EventListener] = {}
        self._progress: dict[int, ProgressListener] = {}
        self._last_lines: deque[str] = deque(maxlen=20)
        self._ended: HoldfastError | None = None
        self._log_reader = threading.Thread(target=self._read_log, name="holdfast-log", daemon=True)
        self._log_reader.start()
        threading.Thread(target=self._read_frames, name="holdfast-reader", daemon=True).start()
        self.call("initialize", {"protocol": PROTOCOL, "client": f"python {__version__}", "process": self._owner})

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._ended is None

    def close(self) -> None:
        """Ends the helper. What is not finished is not saved."""
        if self._owner != os.getpid():
            return
        _close(self._process.stdin)
        try:
            self._process.wait(TIME_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Closes the pipes in a forked child. The helper belongs to the parent."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _close(pipe)
        self._process.returncode = 0  # the child must not wait for a process of its parent

    def call(self, method: str, params: Mapping[str, Any]) -> Any:
        return self.start(method, params).result()

    def start(
        self,
        method: str,
        params: Mapping[str, Any],
        streams: Sequence[Stream] = (),
        on_progress: ProgressListener | None = None,
    ) -> Call:
        """Sends a call. A stream in `params` is sent as the number that it gets."""
        if self._owner != os.getpid():
            raise InvalidArgument(
                "The store was opened in another process, from which this one was forked. "
                "Open it again in this process."
            )
        with self._writing:  # the numbers of streams must increase in the order of the calls
            with self._state:
                if self._ended is not None:
                    raise self._ended
                call = Call(next(self._ids), self)
                self._calls[call.number] = call
                for stream in streams:
                    stream.bind(next(self._stream_numbers), self)
                    self._streams[stream.number] = stream
                if on_progress is not None:
                    self._progress[call.number] = on_progress
                    params = {**params, "progress": call.number}
            self._write_message({"jsonrpc": "2.0", "id": call.number, "method": method, "params": params})
        return call

    def cancel(self, call: Call) -> None:
        with self._writing:
            self._write_message({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": call.number}})

    def listen(self, store: int, listener: EventListener) -> None:
        """Calls the listener in the reading thread with the events of a store. It must be quick."""
        self._listeners[store] = listener

    def release(self, stream: Stream) -> None:
        with self._state:
            self._streams.pop(stream.number, None)

    # The sending side of streams

    def send_data(self, stream: int, data: memoryview) -> None:
        with self._writing:
            self._write(header(DATA, stream, data.nbytes), data)

    def send_end(self, stream: int) -> None:
        with self._writing:
            self._write(header(END, stream, 0))

    def send_abort(self, stream: int, message: str) -> None:
        payload = json.dumps({"message": message[:1000]}).encode()
        with self._writing:
            self._write(header(ABORT, stream, len(payload)), payload)

    def send_credit(self, stream: int, amount: int) -> None:
        with self._writing:
            self._write(credit_frame(stream, amount))

    def _write_message(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message, default=_number_of, allow_nan=False).encode()
        for frame in message_frames(text):
            self._write(frame)

    def _write(self, *parts: bytes | memoryview) -> None:
        """Writes a whole frame. A helper that has ended is reported by the reading thread."""
        pipe = self._process.stdin
        assert pipe is not None
        left = [memoryview(part) for part in parts]
        try:
            while left:
                written = os.writev(pipe.fileno(), left)
                while left and written >= left[0].nbytes:
                    written -= left.pop(0).nbytes
                if left:
                    left[0] = left[0][written:]
        except (BrokenPipeError, ValueError):
            pass  # the pipe was closed at either end

    # The receiving side

    def _read_frames(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        parts: list[bytes] = []
        try:
            while True:
                kind, stream, length = HEADER.unpack(_read_exactly(pipe, HEADER.size))
                payload = _read_exactly(pipe, length)
                if kind == MESSAGE_PART:
                    parts.append(payload)
                elif kind == MESSAGE:
                    self._receive(json.loads(b"".join([*parts, payload])))
                    parts = []
                else:
                    self._receive_frame(kind, stream, payload)
        except (EOFError, OSError, ValueError):
            self._end()

    def _receive_frame(self, kind: bytes, number: int, payload: bytes) -> None:
        with self._state:
            stream = self._streams.get(number)
        if isinstance(stream, Upload):
            if kind == CREDIT:
                stream.add_credit(credit_of(payload))
            elif kind == ABORT:
                stream.close()
        elif isinstance(stream, Download):
            if kind == DATA:
                stream.receive(payload)
            elif kind == END:
                stream.end()
            elif kind == ABORT:
                stream.end(error_from(json.loads(payload)))

    def _receive(self, message: Mapping[str, Any]) -> None:
        method = message.get("method")
        params = message.get("params", {})
        if method == "event":
            listener = self._listeners.get(params["store"])
            if listener is not None:
                listener(params["name"], params["event"])
        elif method == "progress":
            on_progress = self._progress.get(params["progress"])
            if on_progress is not None:
                on_progress(params["bytes"], params.get("total"))
        else:
            self._respond(message)

    def _respond(self, message: Mapping[str, Any]) -> None:
        with self._state:
            call = self._calls.pop(message["id"], None)
            self._progress.pop(message["id"], None)
        if call is None:
            return
        error = message.get("error")
        if error is None:
            call.response.set_result(message.get("result"))
        else:
            call.response.set_exception(error_from(error.get("data") or error))

    def _end(self) -> None:
        """Fails everything that waits for the helper, which has ended."""
        self._log_reader.join(1)
        try:
            code: int | None = self._process.wait(1)
        except subprocess.TimeoutExpired:
            code = None
        last_words = " ".join(self._last_lines)
        error = Unavailable(
            f"The helper process of Holdfast ended {_how(code)}. {last_words}".strip(),
            hint="The call may or may not have taken effect. The next call starts a new helper.",
            retryable=True,
        )
        with self._state:
            self._ended = error
            calls, self._calls = list(self._calls.values()), {}
            streams, self._streams = list(self._streams.values()), {}
        for call in calls:
            call.response.set_exception(error)
        for stream in streams:
            if isinstance(stream, Upload):
                stream.close()
            elif isinstance(stream, Download):
                stream.end(error)

    def _read_log(self) -> None:
        pipe = self._process.stderr
        assert pipe is not None
        try:
            for line in iter(pipe.readline, b""):
                text = line.decode(errors="replace").rstrip()
                self._last_lines.append(text)
                log.warning("%s", text)
        except (OSError, ValueError):
            pass  # the pipe was closed in a forked child


def _number_of(value: object) -> int:
    if isinstance(value, Stream):
        return value.number
    raise TypeError(f"{type(value).__name__} is not JSON")


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


def _how(code: int | None) -> str:
    if code is None:
        return "or closed its pipe"
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"


def _close(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        pipe.close()
    except OSError:
        pass  # the other end is closed already
