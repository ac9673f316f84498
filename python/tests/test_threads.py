"""Stores that several threads use."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_that_is_forked_while_a_thread_opens_the_store_is_refused(disk_store: holdfast.Store) -> None:
    with disk_store._opening:  # a thread of the child's parent holds it for ever
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            try:
                disk_store.list()
            except holdfast.InvalidArgument:
                os._exit(7)
            finally:
                os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_no_error_of_a_save_in_the_background_is_lost_if_two_threads_begin_one() -> None:
    def fail(file: object) -> None:
        raise RuntimeError("the save fails")

    with open_store("mem:") as store:
        for round_ in range(10):
            gate = threading.Event()
            store.save_async(3 * round_, {"a.bin": lambda file, gate=gate: gate.wait() and None})
            contents = [fail, lambda file: None]
            threads = [
                threading.Thread(target=store.save_async, args=(3 * round_ + 1 + index, {"a.bin": content}))
                for index, content in enumerate(contents)
            ]
            for thread in threads:
                thread.start()
            gate.set()
            for thread in threads:
                thread.join()
            with pytest.raises(RuntimeError, match="the save fails"):
                store.flush()
