"""A call of the helper."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from ._callback import Callback

#: Seconds that a cancelled call has to end.
TIME_TO_STOP = 5.0


class Call:
    """A call of the helper. The thread that made it waits for its end. Any thread may cancel or end it."""

    def __init__(
        self,
        number: int,
        cancel: Callable[[], None],
        progress: Callback | None = None,
        on_end: Callable[[Any], None] | None = None,
    ) -> None:
        """Calls `on_end` with the result, or with None if the call fails, in the thread that ends the call."""
        self.number = number
        self.cancel = cancel
        self.progress = progress
        self.is_done = False
        self._on_end = on_end
        # No Future, which has a lock: see FrameWriter.
        self._ends: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()

    def respond(self, result: Any) -> None:
        self._end(result, None)

    def fail(self, error: BaseException) -> None:
        self._end(None, error)

    def _end(self, result: Any, error: BaseException | None) -> None:
        if self.progress is not None:
            self.progress.end()
        if self._on_end is not None:
            self._on_end(result)
        self.is_done = True
        self._ends.put((result, error))

    def result(self) -> Any:
        """
        Waits for the result, and until the last progress is reported. May be called once.

        If the wait is interrupted, cancels the call and waits until it has stopped.
        """
        try:
            result, error = self._ends.get()
        except BaseException:  # Ctrl-C, or an exception of another signal handler
            self.stop()
            raise
        if self.progress is not None:
            self.progress.wait()
        if error is not None:
            raise error
        return result

    def stop(self) -> None:
        """Cancels the call unless it has ended, and waits until it has stopped. Its result is lost."""
        if self.is_done:
            return
        self.cancel()
        try:
            self._ends.get(timeout=TIME_TO_STOP)
        except queue.Empty:
            pass  # the caller raises the reason for the cancel
