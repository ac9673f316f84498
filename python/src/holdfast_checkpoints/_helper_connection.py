"""The connection to one helper process, which runs `holdfast serve --stdio`. See docs/serve.md."""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ._call import Call
from ._callback import Callback
from ._command import command
from ._frame_writer import FrameWriter, close_pipe
from ._frames import ABORT, CREDIT, DATA, END, MESSAGE, credit_frame, credit_of, header, read_frames
from ._message import notification_frames, request_frames
from ._streams import Download, Stream, Upload
from ._version import __version__
from .errors import ConfigError, HoldfastError, InvalidArgument, Unavailable, error_from

log = logging.getLogger("holdfast_checkpoints")

PROTOCOL = 1

#: Seconds that a helper whose stores are closed has to end.
TIME_TO_END = 5.0

EventListener = Callable[[str, Mapping[str, Any]], None]
ProgressListener = Callable[[int, "int | None"], None]


class Helper:
    """
    One helper process. Any thread may use it. It ends with this process, however this process ends.

    It runs in a session of its own, so that Ctrl-C reaches only this process. A call holds no lock, since a signal
    handler may interrupt it anywhere and call the helper itself.
    """

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._process = _started()
        assert self._process.stdin is not None
        self._writer = FrameWriter(self._process.stdin)
        self._registering = threading.Lock()  # of the reading and the writing thread
        self._ids = itertools.count(1)
        self._stream_numbers = itertools.count(1)
        self._calls: dict[int, tuple[Call, Sequence[Stream]]] = {}
        self._streams: dict[int, Stream] = {}
        self._listeners: dict[int, EventListener] = {}
        self._unheard: dict[int, list[Mapping[str, Any]]] = {}
        self._last_lines: deque[str] = deque(maxlen=20)
        self._ended: HoldfastError | None = None
        self._log_reader = threading.Thread(target=self._read_log, name="holdfast-log", daemon=True)
        self._log_reader.start()
        threading.Thread(target=self._read_frames, name="holdfast-reader", daemon=True).start()
        try:
            self._initialize()
        except BaseException:
            self.close()
            raise

    def _initialize(self) -> None:
        try:
            self.call("initialize", {"protocol": PROTOCOL, "client": f"python {__version__}", "process": self._owner})
        except Unavailable as error:
            if (self._process.returncode or 0) > 0:  # it refuses to run, for example because its Node.js is too old
                raise ConfigError(error.reason, hint="Check HOLDFAST_NODE and HOLDFAST_MAIN.") from error
            raise

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
        self._writer.close()
        try:
            self._process.wait(TIME_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def forget(self) -> None:
        """Closes the pipes in a forked child. The helper belongs to the parent."""
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            close_pipe(pipe)
        self._process.returncode = 0  # the child must not wait for a process of its parent

    def call(self, method: str, params: Mapping[str, Any]) -> Any:
        return self.start(method, params).result()

    def start(
        self,
        method: str,
        params: Mapping[str, Any],
        streams: Sequence[Stream] = (),
        on_progress: ProgressListener | None = None,
        on_end: Callable[[Any], None] | None = None,
    ) -> Call:
        """Sends a call. A stream in `params` is sent as the number that it gets. `Call` describes `on_end`."""
        if self._owner != os.getpid():
            raise InvalidArgument(
                "The store was opened in another process, from which this one was forked. "
                "Open it again in this process."
            )
        number = next(self._ids)
        progress = None if on_progress is None else Callback(on_progress, only_newest=True)
        sent = params if progress is None else {**params, "progress": number}
        call = Call(number, lambda: self._cancel(number), progress, on_end)
        try:
            self._writer.write(lambda: self._registered(call, method, sent, streams))
            if self._ended is not None:  # before or after the request was written
                call.fail(self._ended)
            return call
        except BaseException:  # Ctrl-C, before or after the request was queued
            call.cancel()
            raise

    def _registered(self, call: Call, method: str, params: Mapping[str, Any], streams: Sequence[Stream]) -> bytes:
        """
        Registers a call, and returns the frames of its request.

        Gives its streams their numbers, which must increase in the order of the requests.
        """
        for stream in streams:
            stream.bind(next(self._stream_numbers), self)
        try:
            frames = request_frames(call.number, method, params)
        except BaseException as error:  # also one of a method of a parameter, which must not end this thread
            call.fail(error)
            return b""
        with self._registering:
            ended = self._ended
            if ended is None:
                self._calls[call.number] = call, streams
                self._streams.update((stream.number, stream) for stream in streams)
        if ended is not None:
            call.fail(ended)
        return frames

    def _cancel(self, number: int) -> None:
        self._send(notification_frames("$/cancelRequest", {"id": number}))

    def open_store(self, options: Mapping[str, Any], on_opened: Callable[[Mapping[str, Any]], EventListener]) -> int:
        """
        Opens a store in the helper, and returns its number.

        `on_opened` gets the response, and returns a listener of its events. Both run in the reading thread, so they
        must be quick, and must neither raise nor wait for a lock or for the helper.
        """

        def listen(opened: Mapping[str, Any] | None) -> None:
            if opened is None:
                return
            listener = self._listeners[opened["store"]] = on_opened(opened)
            for each in self._unheard.pop(opened["store"], []):
                listener(each["name"], each["event"])

        number: int = self.start("openStore", options, on_end=listen).result()["store"]
        return number

    def release(self, stream: Stream) -> None:
        self._streams.pop(stream.number, None)

    # The sending side of streams

    def send_data(self, stream: int, data: memoryview) -> None:
        self._send(b"".join((header(DATA, stream, data.nbytes), data)))

    def send_end(self, stream: int) -> None:
        self._send(header(END, stream, 0))

    def send_abort(self, stream: int, message: str) -> None:
        payload = json.dumps({"message": message[:1000]}).encode()
        self._send(header(ABORT, stream, len(payload)) + payload)

    def send_credit(self, stream: int, amount: int) -> None:
        self._send(credit_frame(stream, amount))

    def _send(self, frames: bytes) -> None:
        if self._owner == os.getpid():
            self._writer.write(lambda: frames)

    # The receiving side

    def _read_frames(self) -> None:
        pipe = self._process.stdout
        assert pipe is not None
        try:
            for kind, stream, payload in read_frames(pipe):
                if kind == MESSAGE:
                    self._receive(json.loads(payload))
                else:
                    self._receive_frame(kind, stream, payload)
        finally:
            self._end()

    def _receive_frame(self, kind: bytes, number: int, payload: bytes) -> None:
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
            self._receive_event(params)
        elif method == "progress":
            call, _ = self._calls.get(params["progress"], (None, ()))
            if call is not None and call.progress is not None:
                call.progress(params["bytes"], params.get("total"))
        else:
            self._respond(message)

    def _receive_event(self, params: Mapping[str, Any]) -> None:
        listener = self._listeners.get(params["store"])
        if listener is None:  # the response to the call that opens the store comes later
            self._unheard.setdefault(params["store"], []).append(params)
        else:
            listener(params["name"], params["event"])

    def _respond(self, message: Mapping[str, Any]) -> None:
        call, streams = self._calls.pop(message["id"], (None, ()))
        if call is None:
            return
        error = message.get("error")
        if error is None:
            call.respond(message.get("result"))
        else:
            call.fail(error_from(error.get("data") or error))
        for stream in streams:
            if isinstance(stream, Upload):
                stream.close()
            if isinstance(stream, Upload) or error is not None:
                self.release(stream)

    def _end(self) -> None:
        """Fails everything that waits for the helper, which has ended."""
        self._log_reader.join(1)
        try:
            code: int | None = self._process.wait(TIME_TO_END)
        except subprocess.TimeoutExpired:
            code = None
        last_words = " ".join(self._last_lines)
        error = Unavailable(
            f"The helper process of Holdfast ended {_how(code)}. {last_words}".strip(),
            hint="The call may or may not have taken effect. The next call starts a new helper.",
            retryable=True,
        )
        with self._registering:
            self._ended = error
            calls, self._calls = list(self._calls.values()), {}
            streams, self._streams = list(self._streams.values()), {}
        self._writer.end()
        for call, _ in calls:
            call.fail(error)
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


def _started() -> subprocess.Popen[bytes]:
    """Raises ConfigError if the program cannot be started, and Unavailable if the system lacks the resources."""
    words = [*command(), "serve", "--stdio"]
    try:
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
        )
    except OSError as error:
        reason = f"The helper process of Holdfast cannot be started: {error.strerror}: {words[0]}."
        if isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError)) or error.errno == errno.ENOEXEC:
            raise ConfigError(reason, hint="Set HOLDFAST_NODE to a Node.js of 22.18 or newer.") from error
        raise Unavailable(reason, retryable=True) from error


def _how(code: int | None) -> str:
    if code is None:
        return "or closed its pipe"
    if code >= 0:
        return f"with exit code {code}"
    try:
        return f"by {signal.Signals(-code).name}"
    except ValueError:
        return f"by signal {-code}"
