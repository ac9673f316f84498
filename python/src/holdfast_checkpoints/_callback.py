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
    Calls a function of the program, in a thread of its own.

    So the function may take its time, raise, and call the store, while other threads receive what it waits for.
    An exception is logged.
    """

    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function
        self._waiting: queue.SimpleQueue[tuple[Any, ...] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="holdfast-callback", daemon=True)
        self._thread.start()

    def __call__(self, *arguments: Any) -> None:
        """Has the function called with these arguments, after all earlier ones. Returns at once."""
        self._waiting.put(arguments)

    def end(self) -> None:
        """Ends the thread when the function was called for everything."""
        self._waiting.put(None)

    def wait(self, limit: float | None = None) -> None:
        """Waits for the end of the thread, at most `limit` seconds. Returns at once if the function calls it."""
        if threading.current_thread() is not self._thread:
            self._thread.join(limit)

    def _run(self) -> None:
        for arguments in iter(self._waiting.get, None):
            try:
                self._function(*arguments)
            except Exception:
                log.exception("%r, which Holdfast called, failed", self._function)
