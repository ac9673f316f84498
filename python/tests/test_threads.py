"""Stores that several threads use."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, Any

import pytest
from conftest import LONG, open_store

import holdfast_checkpoints as holdfast
from holdfast_checkpoints._background import SaveHandle
from holdfast_checkpoints._helper_connection import Helper


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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_is_refused_to_wait_for_a_save_of_its_parent() -> None:
    with open_store("mem:") as store:
        gate = threading.Event()
        save = store.save_async(1, {"a.bin": lambda file: gate.wait() and None})
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            try:
                save.wait()
            except holdfast.InvalidArgument:
                os._exit(7)
            finally:
                os._exit(1)
        gate.set()
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


#: While the main thread waits for a save in the background, a signal handler waits for it, too, and begins another one.
HANDLER_THAT_SAVES = """
import signal, sys, threading
import holdfast_checkpoints as holdfast
from holdfast_checkpoints._helper_connection import Helper

with holdfast.open(sys.argv[1], config=False) as store:
    gate = threading.Event()
    handle = store.save_async(1, {"a.bin": lambda file: gate.wait()})
    wait = handle.wait

    def wait_and_be_stopped():
        handle.wait = wait
        signal.raise_signal(signal.SIGTERM)
        wait()

    def stop(*_):
        gate.set()
        store.flush()
        store.save_async(2, {"a.bin": b"a"})

    handle.wait = wait_and_be_stopped
    signal.signal(signal.SIGTERM, stop)
    store.save_async(3, {"a.bin": b"a"})
    store.flush()
    print([each.step for each in store.list()])
"""


def test_a_signal_handler_may_flush_and_save_while_its_thread_waits_for_a_save(tmp_path: Path) -> None:
    program = [sys.executable, "-c", HANDLER_THAT_SAVES, str(tmp_path / "store")]
    ended = subprocess.run(program, timeout=LONG, capture_output=True, text=True)
    assert ended.stdout == "[1, 2, 3]\n", ended.stderr


def test_waiting_for_a_save_sends_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    hurried = threading.Event()
    start = Helper.start

    def spy(self: Helper, method: str, *args: Any, **options: Any) -> Any:
        sent.append(method)
        if method == "hurry":
            hurried.set()
        return start(self, method, *args, **options)

    monkeypatch.setattr(Helper, "start", spy)
    with open_store("mem:") as store:
        gate, begun = threading.Event(), threading.Event()

        def write(file: object) -> None:
            begun.set()
            gate.wait()

        save = store.save_async(1, {"a.bin": write})
        begun.wait()
        assert not save.done()
        for timeout in (0, -1):
            with pytest.raises(TimeoutError):
                save.result(timeout=timeout)
        assert "hurry" not in sent
        save.wait(timeout=0.01)
        assert hurried.wait(60)
        gate.set()
        assert save.result().step == 1


#: Interrupts a call before every line of the package that its thread runs, once each, while a save in the background
#: waits for the interrupt if the call does not wait for it. The handler waits for that save, and saves, which needs the
#: other threads of the connection.
HANDLER_AT_EVERY_LINE = """
import faulthandler, itertools, os, sys, threading, time
import holdfast_checkpoints as holdfast

package = os.path.dirname(holdfast.__file__)
content = {"a.bin": b"a" * 2**21}
calls = {
    "list": lambda store, step: store.list(),
    "read": lambda store, step: store.read("latest", "a.bin").read(),
    "save": lambda store, step: store.save(step, content, on_progress=lambda done, total: None),
    "save_async": lambda store, step: store.save_async(step, content).result(),
    "flush": lambda store, step: store.flush(),
    "open": lambda store, step: holdfast.open("mem:", config=False).close(),
    "reopen": lambda store, step: store.list(),  # at some lines only, since each takes two new helpers
}

def interrupt(call, line, handler):
    # Returns whether the call has so many lines. A trace function runs between two lines, as a signal handler does.
    left = line
    def trace(frame, event, _):
        nonlocal left
        if not frame.f_code.co_filename.startswith(package):
            return None
        left -= event == "line"
        if left == 0 and event == "line":
            handler()
        return trace
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(None)
    return left <= 0

with holdfast.open("mem:", config=False, keep_last=10) as store:
    steps = itertools.count(1)
    store.save(next(steps), content)
    for name, call in calls.items():
        for line in itertools.count(1, 12 if name == "reopen" else 1):
            faulthandler.dump_traceback_later(300, exit=True)  # a deadlock
            gate = threading.Event()
            if name in ("save_async", "flush"):
                gate.set()
            waiting = store.save_async(next(steps), {"a.bin": lambda file: file.write(b"a") and gate.wait() and None})
            own, later = next(steps), next(steps)
            if name == "reopen":
                gate.set()
                waiting.result()
                helper = store._helper
                helper._process.kill()
                while helper.is_running:
                    time.sleep(0.001)

            def handler():
                gate.set()
                waiting.wait()
                store.save(later, content)

            is_interrupted = interrupt(lambda: call(store, own), line, handler)
            gate.set()
            waiting.result()
            if not is_interrupted:
                break
        print(name, line > 20)
"""


def test_a_signal_handler_may_save_and_wait_wherever_it_interrupts_a_call() -> None:
    program = [sys.executable, "-c", HANDLER_AT_EVERY_LINE]
    ended = subprocess.run(program, timeout=2 * LONG, capture_output=True, text=True)
    names = ["list", "read", "save", "save_async", "flush", "open", "reopen"]
    assert ended.stdout.splitlines() == [f"{name} True" for name in names], ended.stderr


def test_a_signal_handler_may_wait_for_the_save_for_which_the_program_waits() -> None:
    with open_store("mem:") as store:
        gate = threading.Event()
        save = store.save_async(1, {"a.bin": lambda file: gate.wait() and None})
        ended: list[bool] = []

        def finish(*_: object) -> None:
            gate.set()
            save.wait()
            ended.append(save.done())

        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            while sys._current_frames()[main].f_code is not SaveHandle.wait.__code__:
                time.sleep(0.001)
            signal.pthread_kill(main, signal.SIGUSR1)

        before = signal.signal(signal.SIGUSR1, finish)
        try:
            threading.Thread(target=interrupt, daemon=True).start()
            assert save.result().step == 1
        finally:
            signal.signal(signal.SIGUSR1, before)
        assert ended == [True]


def test_a_cancel_ends_only_its_own_save_whatever_it_sends_at_that_moment() -> None:
    with open_store("mem:") as store, open_store("mem:") as other:
        helper = other._helper
        assert helper is store._helper
        gate = threading.Event()

        def write_twice(file: IO[bytes]) -> None:
            file.write(bytes(2**20))
            gate.wait()
            file.write(bytes(2**20))

        lasting = other.save_async(1, {"a.bin": write_twice})
        try:
            for step in range(100):
                sending = threading.Event()

                def write_on(file: IO[bytes], sending: threading.Event = sending) -> None:
                    while True:
                        file.write(bytes(2**20))
                        sending.set()

                save = store.save_async(step, {"a.bin": write_on})
                sending.wait()
                save.cancel()
                with pytest.raises(holdfast.Aborted):
                    save.result()
                assert store.list() == []
        finally:
            gate.set()
        assert lasting.result().bytes == 2**21
        assert other._helper is helper
        assert helper.is_running


def test_bytes_behind_the_end_of_a_content_are_refused_and_end_no_call() -> None:
    files: list[IO[bytes]] = []

    def write_late(file: IO[bytes]) -> None:
        with pytest.raises(ValueError, match="has ended"):
            files[0].write(bytes(2**21))
        with pytest.raises(ValueError, match="has ended"):
            files[0].write(b"a")

    with open_store("mem:") as store:
        saved = store.save(1, {"a.bin": files.append, "b.bin": write_late})
        assert saved.bytes == 0
