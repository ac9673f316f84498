"""Writes frames to the helper."""

from __future__ import annotations

import threading
from collections import deque
from typing import IO

#: Frames of up to 1 MiB that wait in memory.
_MAX_WAITING = 4


class FrameWriter:
    """
    Writes frames to a pipe, in a thread of its own.

    Signal handlers run in the main thread, and may raise there at any moment, as Ctrl-C does. If that thread wrote, a
    frame could end in the middle, and the helper would take all later frames for the rest of it.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: deque[bytes] = deque()
        self._is_closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._run, name="holdfast-writer", daemon=True).start()

    def write(self, frames: bytes, *, at_once: bool = False) -> None:
        """
        Queues whole frames in order. Blocks while the queue is full. Discards the frames if the pipe has ended.

        `at_once` queues them although the queue is full. It is for small frames that stop something.
        """
        with self._changed:
            while not at_once and len(self._waiting) >= _MAX_WAITING and not self._is_closed:
                self._changed.wait()
            if not self._is_closed:
                self._waiting.append(frames)
                self._changed.notify_all()

    def close(self) -> None:
        """Closes the pipe when everything is written."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            while (frames := self._next()) is not None:
                left = memoryview(frames)
                while left:
                    left = left[self._pipe.write(left) :]
        except (OSError, ValueError):
            pass  # the helper has ended, which its reading thread reports
        finally:
            self.close()
            close_pipe(self._pipe)

    def _next(self) -> bytes | None:
        with self._changed:
            while not self._waiting and not self._is_closed:
                self._changed.wait()
            if not self._waiting:
                return None
            self._changed.notify_all()
            return self._waiting.popleft()


def close_pipe(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        pipe.close()
    except OSError:
        pass  # the other end is closed already
