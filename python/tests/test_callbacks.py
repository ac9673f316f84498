"""Listeners of events and of progress. Programs of their own run what would hang in this process."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import LONG, open_store

from holdfast_checkpoints._callback import Callback

OPEN = """
import sys, threading
import holdfast_checkpoints as holdfast

with holdfast.open(sys.argv[1], config=False) as store:
"""


def output_of(body: str, location: Path) -> str:
    indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
    program = [sys.executable, "-c", OPEN + indented, str(location)]
    ended = subprocess.run(program, timeout=LONG, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


@pytest.mark.parametrize("error", ["TypeError", "ValueError", "BrokenPipeError"])
def test_an_exception_in_on_progress_does_not_disturb_the_save(tmp_path: Path, error: str) -> None:
    body = f"""
calls = []
def fail(done, total):
    calls.append(done)
    raise {error}("the terminal is gone")
print(store.save(1, {{"a.bin": bytes(2**20)}}, on_progress=fail).step, len(calls) > 0)
print(store.save(2, {{"a.bin": b"a"}}).step)
"""
    assert output_of(body, tmp_path / "store") == "1 True\n2"


def test_a_listener_may_call_the_store(tmp_path: Path) -> None:
    body = """
pinned = threading.Event()
def pin(name, event):
    if name == "saved":
        store.pin(event["step"])
        store.flush()
        pinned.set()
store.on_event(pin)
store.save_async(1, {"a.bin": b"a"})
pinned.wait()
print(store.list()[0].pinned is not None)
"""
    assert output_of(body, tmp_path / "store") == "True"


def test_on_progress_may_call_the_store(tmp_path: Path) -> None:
    body = """
seen = []
store.save(1, {"a.bin": b"a"})
store.verify(on_progress=lambda done, total: seen.append(store.latest().step))
print(set(seen))
"""
    assert output_of(body, tmp_path / "store") == "{1}"


def test_close_waits_until_the_listeners_have_heard_of_everything(tmp_path: Path) -> None:
    seen: list[str] = []
    with open_store(tmp_path / "store") as store:
        store.on_event(lambda name, event: seen.append(name))
        store.save(1, {"a.bin": b"a"})
    assert "saved" in seen


def test_a_callback_gets_everything_in_order_although_it_raises(caplog: pytest.LogCaptureFixture) -> None:
    seen: list[int] = []

    def listen(number: int) -> None:
        seen.append(number)
        if number == 1:
            raise RuntimeError("number 1")

    callback = Callback(listen)
    with caplog.at_level(logging.ERROR, "holdfast_checkpoints"):
        for number in range(3):
            callback(number)
        callback.end()
        callback.wait(LONG)
    assert seen == [0, 1, 2]
    assert "number 1" in caplog.text


def test_a_slow_callback_for_the_newest_call_skips_the_calls_between() -> None:
    seen: list[int] = []
    has_begun, gate = threading.Event(), threading.Event()

    def listen(number: int) -> None:
        has_begun.set()
        gate.wait(LONG)
        seen.append(number)

    callback = Callback(listen, only_newest=True)
    callback(0)
    assert has_begun.wait(LONG)
    for number in range(1, 4):
        callback(number)
    callback.end()
    gate.set()
    callback.wait(LONG)
    assert seen == [0, 3]


def test_a_save_succeeds_without_progress_if_python_refuses_a_new_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "holdfast-callback":
            raise RuntimeError("can't create new thread at interpreter shutdown")
        start(thread)

    with open_store(tmp_path / "store") as store:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        store.on_event(lambda name, event: None)
        with caplog.at_level(logging.WARNING, "holdfast_checkpoints"):
            assert store.save(1, {"a.bin": bytes(2**20)}, on_progress=lambda done, total: None).step == 1
    assert "interpreter shutdown" in caplog.text


def test_a_function_at_the_end_of_the_program_saves_with_progress(tmp_path: Path) -> None:
    body = """
import atexit
kept = holdfast.open("mem:", config=False)
atexit.register(lambda: print(kept.save(1, {"a.bin": bytes(2**20)}, on_progress=lambda done, total: None).step))
"""
    assert output_of(body, tmp_path / "store") == "1"
