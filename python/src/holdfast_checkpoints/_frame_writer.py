"""Writes frames to the helper."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import IO


class FrameWriter:
    """
    Writes frames to a pipe, in a thread of its own.

    Signal handlers run in the main thread, between any two of its steps. They may raise there, as Ctrl-C does, so the
    main thread must not write: a frame could end in the middle, and the helper would take all later frames for the rest
    of it. They may also call the store and wait for other threads, so the main thread must not hold a lock that the
    handler or another thread needs. It uses `SimpleQueue`, whose `put` never waits, also while a `get` is interrupted.
    """

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[Callable[[], bytes] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="holdfast-writer", daemon=True).start()

    def write(self, make_frames: Callable[[], bytes]) -> None:
        """
        Queues whole frames, which the writing thread makes in the order of the calls. Returns at once.

        What waits here is limited by the credit: 4 MiB for each stream that the helper reads. `make_frames` must not
        raise.
        """
        self._waiting.put(make_frames)

    def close(self) -> None:
        """Closes the pipe when everything is written. Later frames are still made, but not written."""
        self._waiting.put(self._close)

    def end(self) -> None:
        """Ends the writing thread."""
        self._waiting.put(None)

    def _run(self) -> None:
        for make_frames in iter(self._waiting.get, None):
            left = memoryview(make_frames())
            try:
                while left:
                    left = left[self._pipe.write(left) :]
            except (OSError, ValueError):
                pass  # the helper has ended, which its reading thread reports
        self._close()

    def _close(self) -> bytes:
        close_pipe(self._pipe)
        return b""


def close_pipe(pipe: IO[bytes] | None) -> None:
    if pipe is None:
        return
    try:
        pipe.close()
    except OSError:
        pass  # the other end is closed already
