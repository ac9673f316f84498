"""Functions of the program that Holdfast calls."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from typing import Any

log = logging.getLogger("holdfast_checkpoints")


class Callback:
    """
    Calls a function of the program, in a thread of its own that starts with the first call.

    The function may be slow, may raise and may call the store. It does not block the thread that receives responses.
    An exception is logged. With `only_newest`, a call that still waits when the next one comes is dropped.
    """

    def __init__(self, function: Callable[..., object], *, only_newest: bool = False) -> None:
        self._function = function
        self._only_newest = only_newest
        self._waiting: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._starting = threading.Lock()
        self._is_started = False
        self._thread: threading.Thread | None = None

    def __call__(self, *arguments: Any) -> None:
        """Queues a call of the function. Calls are made in order. Returns at once."""
        with self._starting:
            if not self._is_started:
                self._is_started = True
                self._start()
        if self._thread is not None:
            self._waiting.put(arguments)

    def end(self) -> None:
        """Ends the thread when the function was called for everything."""
        self._waiting.put(None)

    def wait(self, limit: float | None = None) -> None:
        """Waits for the end of the thread, at most `limit` seconds. Returns at once if the function calls it."""
        if self._thread is not None and threading.current_thread() is not self._thread:
            self._thread.join(limit)

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="holdfast-callback", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # Python starts no thread once the program ends
            log.warning("%r is not called: %s", self._function, error)
        else:
            self._thread = thread

    def _run(self) -> None:
        for arguments in iter(self._next, None):
            try:
                self._function(*arguments)
            except Exception:
                log.exception("%r, which Holdfast called, failed", self._function)

    def _next(self) -> tuple[Any, ...] | None:
        arguments = self._waiting.get()
        while self._only_newest and arguments is not None and not self._waiting.empty():
            newer = self._waiting.get()
            if newer is None:
                self._waiting.put(None)
                break
            arguments = newer
        return arguments
