"""Processes that end, are killed, or fork."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from conftest import leftovers, open_store, start_python

import holdfast_checkpoints as holdfast

#: Opens a store, prints the helper's process, and saves a stream that never ends. Four forked children hold the pipes.
SAVING_WITH_WORKERS = """
import os, sys, time
import holdfast_checkpoints as holdfast
store = holdfast.open(sys.argv[1], config=False)
store.save(1, {"a.bin": b"a"})
os.register_at_fork = None
helper = store._helper
helper.forget = lambda: None  # a child that keeps its copies of the pipes, as a C library's fork does
for _ in range(4):
    if os.fork() == 0:
        time.sleep(30)
        os._exit(0)
def endless(file):
    file.write(bytes(2**20))
    print(helper.pid, flush=True)
    while True:
        time.sleep(0.05)
store.save(2, {"a.bin": endless})
"""


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def wait_until(condition: object, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_a_killed_client_leaves_no_helper_and_nothing_half_saved(tmp_path: Path) -> None:
    client = start_python(SAVING_WITH_WORKERS, str(tmp_path / "store"))
    assert client.stdout is not None
    helper = int(client.stdout.readline())
    before = leftovers(tmp_path / "store")
    assert len(before) > 2  # the first checkpoint, and a part of the second
    children = Path(f"/proc/{client.pid}/task/{client.pid}/children").read_text().split()
    client.kill()
    client.wait()
    try:
        wait_until(lambda: not is_alive(helper), 5)
    finally:
        for child in children:
            if int(child) != helper:
                os.kill(int(child), signal.SIGKILL)
        client.stdout.close()
    with open_store(tmp_path / "store") as store:
        assert [each.step for each in store.list()] == [1]
    assert len(leftovers(tmp_path / "store")) == 2  # the manifest and the file of the first checkpoint


def test_a_killed_helper_raises_unavailable_and_the_next_call_starts_another(disk_store: holdfast.Store) -> None:
    disk_store.save(1, {"a.bin": b"a"})
    helper = disk_store._helper
    assert helper is not None

    def kill(file: object) -> None:
        os.kill(helper.pid, signal.SIGKILL)
        helper._process.wait()
        raise RuntimeError("the pipe broke")

    with pytest.raises((holdfast.Unavailable, RuntimeError)):
        disk_store.save(2, {"a.bin": kill})
    wait_until(lambda: not helper.is_running, 5)
    assert [each.step for each in disk_store.list()] == [1]
    assert disk_store.save(2, {"a.bin": b"a"}).step == 2


def test_a_call_of_a_killed_helper_raises_unavailable_with_the_signal(disk_store: holdfast.Store) -> None:
    helper = disk_store._helper
    assert helper is not None
    wanted = threading.Event()

    def wait(file: object) -> None:
        wanted.set()
        wait_until(lambda: not helper.is_running, 10)

    def kill() -> None:
        wanted.wait()
        os.kill(helper.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(holdfast.Unavailable, match="ended by SIGKILL"):
        disk_store.save(1, {"a.bin": wait})
    killer.join()


def test_an_interrupt_stops_a_save_and_saves_nothing(disk_store: holdfast.Store, tmp_path: Path) -> None:
    def interrupt(file: object) -> None:
        file.write(bytes(2**20))  # type: ignore[attr-defined]
        signal.raise_signal(signal.SIGINT)

    # A program that is started in the background of a shell ignores the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            disk_store.save(1, {"a.bin": interrupt})
    finally:
        signal.signal(signal.SIGINT, before)
    assert disk_store.list() == []
    assert leftovers(tmp_path / "store") == []
    assert disk_store.save(1, {"a.bin": b"a"}).step == 1


def test_the_helper_ignores_a_signal_to_the_group(tmp_path: Path) -> None:
    program = """
import os, signal, sys
import holdfast_checkpoints as holdfast
os.setpgid(0, 0)
signal.signal(signal.SIGINT, lambda *_: None)
with holdfast.open(sys.argv[1], config=False) as store:
    def content(file):
        os.killpg(0, signal.SIGINT)
        file.write(b"a")
    print(store.save(1, {"a.bin": content}).step)
"""
    client = start_python(program, str(tmp_path / "store"))
    assert client.communicate(timeout=30)[0] == "1\n"


def test_a_forked_child_is_told_to_open_the_store_again(disk_store: holdfast.Store) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            disk_store.list()
        except holdfast.InvalidArgument as error:
            os.write(writer, str(error).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as pipe:
        assert "Open it again in this process" in pipe.read()
    assert disk_store.list() == []


def test_a_program_that_ends_without_close_keeps_its_checkpoints(tmp_path: Path) -> None:
    program = """
import sys
import holdfast_checkpoints as holdfast
store = holdfast.open(sys.argv[1], config=False)
store.save(1, {"a.bin": b"a"})
print(store._helper.pid)
"""
    client = start_python(program, str(tmp_path / "store"))
    helper = int(client.communicate(timeout=30)[0])
    assert client.returncode == 0
    assert not is_alive(helper)
    with open_store(tmp_path / "store") as store:
        assert [each.step for each in store.list()] == [1]


def test_stores_of_one_process_share_a_helper_and_threads_share_a_store(tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "one") as one,
        open_store(tmp_path / "other") as other,
    ):
        assert one._helper is other._helper
        threads = [
            threading.Thread(target=one.save, args=(step, {"a.bin": bytes(2**20), "b.bin": b"b"})) for step in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [each.step for each in one.list()] == list(range(8))
        assert other.list() == []
