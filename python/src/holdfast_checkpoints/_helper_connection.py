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
from concurrent.futures import Future
from typing import Any

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

#: Seconds that a cancelled call, and a helper whose stores are closed, have to end.
TIME_TO_END = 5.0

EventListener = Callable[[str, Mapping[str, Any]], None]
ProgressListener = Callable[[int, "int | None"], None]


class Call:
    """A call that was sent."""

    def __init__(self, number: int, helper: Helper) -> None:
        self.number = number
        self.response: Future[Any] = Future()
        self.progress: Callback | None = None
        self._helper = helper

    def end_progress(self) -> None:
        if self.progress is not None:
            self.progress.end()

    def respond(self, result: Any) -> None:
        self.end_progress()
        self.response.set_result(result)

    def fail(self, error: HoldfastError) -> None:
        self.end_progress()
        self.response.set_exception(error)

    def cancel(self) -> None:
        self._helper.cancel(self)

    def result(self) -> Any:
        """
        Waits for the result, and until the last progress is reported.

        If the wait is interrupted, cancels the call and waits until it has stopped.
        """
        try:
            self.response.exception()
        except BaseException:  # Ctrl-C, or an exception of another signal handler
            self.stop()
            raise
        if self.progress is not None:
            self.progress.wait()
        return self.response.result()

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
        self._process = _started()
        assert self._process.stdin is not None
        self._writer = FrameWriter(self._process.stdin)
        self._starting = threading.Lock()
        self._state = threading.Lock()
        self._ids = itertools.count(1)
        self._stream_numbers = itertools.count(1)
        self._calls: dict[int, Call] = {}
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
    ) -> Call:
        """Sends a call. A stream in `params` is sent as the number that it gets."""
        if self._owner != os.getpid():
            raise InvalidArgument(
                "The store was opened in another process, from which this one was forked. "
                "Open it again in this process."
            )
        with self._starting:  # the numbers of streams must increase in the order of the calls
            call = Call(next(self._ids), self)
            for stream in streams:
                stream.bind(next(self._stream_numbers), self)
            if on_progress is not None:
                params = {**params, "progress": call.number}
            request = request_frames(call.number, method, params)
            with self._state:
                if self._ended is not None:
                    raise self._ended
                if on_progress is not None:
                    call.progress = Callback(on_progress, only_newest=True)
                self._calls[call.number] = call
                self._streams.update((stream.number, stream) for stream in streams)
            try:
                self._send(request)
            except BaseException:  # Ctrl-C, before or after the request was taken
                self._withdraw(call, streams)
                raise
        return call

    def _withdraw(self, call: Call, streams: Sequence[Stream]) -> None:
        with self._state:
            self._calls.pop(call.number, None)
            for stream in streams:
                self._streams.pop(stream.number, None)
        call.end_progress()
        call.cancel()

    def cancel(self, call: Call) -> None:
        self._send(notification_frames("$/cancelRequest", {"id": call.number}), at_once=True)

    def listen(self, store: int, listener: EventListener) -> None:
        """
        Calls the listener in the reading thread with the events of a store, also with those that came before this call.

        It must be quick, and must neither raise nor call the helper.
        """
        with self._state:
            self._listeners[store] = listener
            unheard = self._unheard.pop(store, [])
        for each in unheard:
            listener(each["name"], each["event"])

    def release(self, stream: Stream) -> None:
        with self._state:
            self._streams.pop(stream.number, None)

    # The sending side of streams

    def send_data(self, stream: int, data: memoryview) -> None:
        self._send(b"".join((header(DATA, stream, data.nbytes), data)))

    def send_end(self, stream: int) -> None:
        self._send(header(END, stream, 0))

    def send_abort(self, stream: int, message: str) -> None:
        payload = json.dumps({"message": message[:1000]}).encode()
        self._send(header(ABORT, stream, len(payload)) + payload, at_once=True)

    def send_credit(self, stream: int, amount: int) -> None:
        self._send(credit_frame(stream, amount))

    def _send(self, frames: bytes, *, at_once: bool = False) -> None:
        if self._owner == os.getpid():
            self._writer.write(frames, at_once=at_once)

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
            self._receive_event(params)
        elif method == "progress":
            with self._state:
                call = self._calls.get(params["progress"])
            if call is not None and call.progress is not None:
                call.progress(params["bytes"], params.get("total"))
        else:
            self._respond(message)

    def _receive_event(self, params: Mapping[str, Any]) -> None:
        with self._state:
            listener = self._listeners.get(params["store"])
            if listener is None:  # the call that opens the store has not returned yet
                self._unheard.setdefault(params["store"], []).append(params)
                return
        listener(params["name"], params["event"])

    def _respond(self, message: Mapping[str, Any]) -> None:
        with self._state:
            call = self._calls.pop(message["id"], None)
        if call is None:
            return
        error = message.get("error")
        if error is None:
            call.respond(message.get("result"))
        else:
            call.fail(error_from(error.get("data") or error))

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
        with self._state:
            self._ended = error
            calls, self._calls = list(self._calls.values()), {}
            streams, self._streams = list(self._streams.values()), {}
        for call in calls:
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
