"""Ctrl-C at the worst moment."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LONG

#: Interrupts a save while the pipe to the helper is full, so that the writer is in the middle of a frame.
INTERRUPTED_IN_A_FRAME = """
import fcntl, os, signal, struct, sys, termios, threading, time
import holdfast_checkpoints as holdfast

signal.signal(signal.SIGINT, signal.default_int_handler)
with holdfast.open(sys.argv[1], config=False) as store:
    store.save(1, {"a.bin": b"a"})
    helper = store._helper

    def interrupt():
        in_pipe = 0
        while in_pipe < 14 * 4096:  # of 16 pages, two of which can be partly empty
            time.sleep(0.01)
            in_pipe = struct.unpack("i", fcntl.ioctl(helper._process.stdin, termios.FIONREAD, bytes(4)))[0]
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        os.kill(helper.pid, signal.SIGCONT)

    def write(file):
        file.write(bytes(2**20))
        os.kill(helper.pid, signal.SIGSTOP)
        threading.Thread(target=interrupt).start()
        for _ in range(63):
            file.write(bytes(2**20))

    try:
        store.save(2, {"a.bin": write})
    except KeyboardInterrupt:
        print("interrupted")
    print([each.step for each in store.list()], store.save(2, {"a.bin": b"a"}).step, store._helper is helper)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a pipe is that of Linux")
def test_an_interrupt_during_a_large_write_stops_the_save_and_the_helper_answers_the_next_call(tmp_path: Path) -> None:
    program = [sys.executable, "-c", INTERRUPTED_IN_A_FRAME, str(tmp_path / "store")]
    ended = subprocess.run(program, timeout=LONG, capture_output=True, text=True)
    assert ended.stdout == "interrupted\n[1] 2 True\n", ended.stderr


#: Interrupts a save that has used its credit, while the helper reads nothing. The helper goes on afterwards.
INTERRUPTED_WITHOUT_CREDIT = """
import os, signal, sys, threading, time
import holdfast_checkpoints as holdfast

signal.signal(signal.SIGINT, signal.default_int_handler)
with holdfast.open(sys.argv[1], config=False) as store:
    store.save(1, {"a.bin": b"a"})
    helper = store._helper

    def interrupt(upload):
        while upload._credit > 0 or not upload._grants.empty():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    def write(file):
        file.write(bytes(2**20))
        os.kill(helper.pid, signal.SIGSTOP)
        threading.Thread(target=interrupt, args=[file._upload]).start()
        for _ in range(63):
            file.write(bytes(2**20))

    try:
        store.save(2, {"a.bin": write})
    except KeyboardInterrupt:
        print("interrupted")
        os.kill(helper.pid, signal.SIGCONT)
    print([each.step for each in store.list()], store.save(2, {"a.bin": b"a"}).step, store._helper is helper)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs SIGSTOP")
def test_an_interrupt_ends_a_save_although_the_helper_reads_nothing(tmp_path: Path) -> None:
    program = [sys.executable, "-c", INTERRUPTED_WITHOUT_CREDIT, str(tmp_path / "store")]
    ended = subprocess.run(program, timeout=LONG, capture_output=True, text=True)
    assert ended.stdout == "interrupted\n[1] 2 True\n", ended.stderr
