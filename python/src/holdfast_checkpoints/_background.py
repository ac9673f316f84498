"""Saves that run while the program goes on."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable

from ._contents import SendingSave
from .checkpoints import Saved, saved_of
from .errors import Aborted, InvalidArgument


class SaveHandle:
    """A save in the background. `save_async` returns it."""

    def __init__(self, step: int, send: Callable[[], SendingSave], hurry: Callable[[], None]) -> None:
        self.step = step
        self._hurry = hurry
        self._is_awaited = False
        self._send: Callable[[], SendingSave] | None = send
        self._sending: SendingSave | None = None
        self._saved: Saved | None = None
        self._error: BaseException | None = None
        self._is_cancelled = False
        self._is_read = False
        # A wait does not join the thread: a signal handler that interrupts a `join` can neither wait nor start threads.
        self._is_done = False
        self._owner = os.getpid()
        self._ends: queue.SimpleQueue[None] = queue.SimpleQueue()
        # The program waits for this thread when it ends, so a save that has begun is not lost.
        threading.Thread(target=self._run, name=f"holdfast-save-{step}", daemon=False).start()

    def done(self) -> bool:
        return self._is_done

    def result(self, timeout: float | None = None) -> Saved:
        """Waits for the checkpoint. Raises what `save` raises, and TimeoutError after `timeout` seconds."""
        self.wait(timeout)
        if not self.done():
            raise TimeoutError(f"The save of step {self.step} has not ended yet.")
        self._is_read = True
        if self._error is not None:
            raise self._error
        assert self._saved is not None
        return self._saved

    def wait(self, timeout: float | None = None) -> None:
        """
        Waits until the save has ended, with or without an error.

        From then on, the save does not leave the processor to the program.
        """
        if self._is_done or (timeout is not None and timeout <= 0):
            return
        if self._owner != os.getpid():
            raise InvalidArgument(
                "The save runs in another process, from which this one was forked. Wait for it there."
            )
        self._is_awaited = True  # the thread looks again after it has sent the save
        if self._sending is not None:
            self._hurry()
        try:
            self._ends.get(timeout=timeout)
        except queue.Empty:
            pass
        finally:
            if self._is_done:
                self._ends.put(None)  # for others that wait

    def cancel(self) -> None:
        """Stops the save unless it is already committed. `result` then raises Aborted."""
        self._is_cancelled = True
        sending = self._sending
        if sending is not None:
            sending.call.cancel()

    @property
    def unread_error(self) -> BaseException | None:
        """The error, if nobody has read it."""
        return None if self._is_read or not self.done() else self._error

    def _run(self) -> None:
        try:
            if self._is_cancelled:
                raise Aborted(f"The save of step {self.step} was cancelled before it began.")
            assert self._send is not None
            self._sending = self._send()
            if self._is_cancelled:  # `cancel` came before there was a call to cancel
                self._sending.call.cancel()
            if self._is_awaited:
                self._hurry()
            self._saved = saved_of(self._sending.finish())
        except BaseException as error:
            self._error = error
        finally:
            self._send = self._sending = None  # frees the copies
            self._is_done = True
            self._ends.put(None)
