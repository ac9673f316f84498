"""Processes that end, are killed, or fork."""

from __future__ import annotations

import os
import signal
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import LONG, leftovers, open_store, running

import holdfast_checkpoints as holdfast

#: Opens a store, prints the helper's process, and saves a stream that never ends. Four forked children hold the pipes.
SAVING_WITH_WORKERS = """
import os, sys, time
import holdfast_checkpoints as holdfast
store = holdfast.open(sys.argv[1], config=False)
store.save(1, {"a.bin": b"a"})
helper = store._helper
helper.forget = lambda: None  # a child that keeps its copies of the pipes, as a C library's fork does
for _ in range(4):
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
def endless(file):
    file.write(bytes(2**20))
    print(helper.pid, flush=True)
    while True:
        time.sleep(0.05)
store.save(2, {"a.bin": endless})
"""


#: Reads a checkpoint, and prints the helper's process when the helper, which is stopped, has more credit than a pipe.
READING_WITH_WORKERS = """
import fcntl, os, signal, sys, termios, time
import holdfast_checkpoints as holdfast
from holdfast_checkpoints._streams import Download
store = holdfast.open(sys.argv[1], config=False)
store.save(1, {"a.bin": bytes(2**22)})
helper = store._helper
helper.forget = lambda: None  # a child that keeps its copies of the pipes, as a C library's fork does
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)
start = Download.start
def start_while_stopped(download):
    os.kill(helper.pid, signal.SIGSTOP)
    start(download)
Download.start = start_while_stopped
file = store.read(1, "a.bin")
while fcntl.ioctl(helper._process.stdin, termios.FIONREAD, bytes(4)) == bytes(4):
    time.sleep(0.01)
print(helper.pid, flush=True)
time.sleep(600)
"""


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[holdfast.Store]:
    """A store whose helper may be killed: another environment gives it a helper of its own."""
    monkeypatch.setenv("HOLDFAST_TEST_HELPER", "own")
    with open_store(tmp_path / "store") as opened:
        yield opened


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def await_end(process: int) -> None:
    deadline = time.monotonic() + LONG
    while is_alive(process):
        assert time.monotonic() < deadline, "the process does not end"
        time.sleep(0.02)


def await_full_output(process: int) -> None:
    """Waits until a process has filled the pipe of its standard output."""
    import fcntl  # Windows has neither
    import termios

    with open(f"/proc/{process}/fd/1", "rb", buffering=0) as pipe:
        half = fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) // 2  # its pages can be partly empty
        while struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0] < half:
            time.sleep(0.02)


def leftovers_of_a_killed_client(folder: Path) -> int:
    """Kills a client while it saves its second checkpoint. Returns how many files are there besides the first one."""
    with running("-c", SAVING_WITH_WORKERS, folder) as client:
        assert client.stdout is not None
        helper = int(client.stdout.readline())
        assert len(leftovers(folder)) > 2  # the first checkpoint, and a part of the second
        client.kill()
        client.wait()
        await_end(helper)
    with open_store(folder) as store:
        assert [each.step for each in store.list()] == [1]
    return len(leftovers(folder)) - 2  # the manifest and the file of the first checkpoint


@needs_proc
def test_a_killed_client_leaves_no_helper_and_nothing_half_saved(tmp_path: Path) -> None:
    # The helper may take 3 seconds to delete what it has written, which can be too little on a busy machine.
    assert any(leftovers_of_a_killed_client(tmp_path / str(attempt)) == 0 for attempt in range(5))


@needs_proc
def test_a_helper_whose_output_nobody_reads_ends_after_its_client(tmp_path: Path) -> None:
    with running("-c", READING_WITH_WORKERS, tmp_path) as client:
        assert client.stdout is not None
        helper = int(client.stdout.readline())
        client.send_signal(signal.SIGSTOP)
        os.kill(helper, signal.SIGCONT)
        await_full_output(helper)
        client.kill()
        client.wait()
        await_end(helper)


def test_a_killed_helper_raises_unavailable_and_the_next_call_starts_another(own_store: holdfast.Store) -> None:
    own_store.save(1, {"a.bin": b"a"})
    helper = own_store._helper
    assert helper is not None

    def kill(file: object) -> None:
        os.kill(helper.pid, signal.SIGKILL)
        helper._process.wait()

    with pytest.raises(holdfast.Unavailable):
        own_store.save(2, {"a.bin": kill})
    assert [each.step for each in own_store.list()] == [1]
    assert own_store._helper is not helper
    assert own_store.save(2, {"a.bin": b"a"}).step == 2


def test_a_call_of_a_killed_helper_raises_unavailable_with_the_signal(own_store: holdfast.Store) -> None:
    helper = own_store._helper
    assert helper is not None
    began = threading.Event()
    stopped = threading.Event()

    def wait(file: object) -> None:
        began.set()
        assert stopped.wait(LONG)

    def kill() -> None:
        began.wait(LONG)
        os.kill(helper.pid, signal.SIGKILL)
        while helper.is_running:
            time.sleep(0.02)
        stopped.set()

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(holdfast.Unavailable, match="ended by SIGKILL"):
        own_store.save(1, {"a.bin": wait})


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
signal.signal(signal.SIGINT, lambda *_: None)
with holdfast.open(sys.argv[1], config=False) as store:
    def content(file):
        os.killpg(0, signal.SIGINT)
        file.write(b"a")
    print(store.save(1, {"a.bin": content}).step)
"""
    with running("-c", program, tmp_path / "store") as client:
        assert client.communicate(timeout=LONG)[0] == "1\n"


def test_a_forked_child_is_told_to_open_the_store_again(disk_store: holdfast.Store) -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            disk_store.list()
        except holdfast.InvalidArgument as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)  # after any other exception, too: the rest of pytest must not run in the child
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
    with running("-c", program, tmp_path / "store") as client:
        helper = int(client.communicate(timeout=LONG)[0])
        assert client.returncode == 0
    with pytest.raises(ProcessLookupError):  # the program has waited for it
        os.kill(helper, 0)
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
