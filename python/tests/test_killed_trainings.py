"""Trainings of Lightning and Hugging Face that are killed: the program, the helper, both, and by Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast

torch = pytest.importorskip("torch", reason="torch is not installed")

PROGRAM = Path(__file__).with_name("trainings.py")

#: Signals to the program and to its helper. Ctrl-C reaches the program alone, since the helper has its own session.
KILLS = {
    "the program": (signal.SIGKILL, None),
    "the helper": (None, signal.SIGKILL),
    "both": (signal.SIGKILL, signal.SIGKILL),
    "Ctrl-C": (signal.SIGINT, None),
}


def start(integration: str, location: str, out: Path) -> subprocess.Popen[str]:
    out.mkdir(exist_ok=True)
    words = [sys.executable, str(PROGRAM), integration, location, str(out)]
    with (out / "errors.txt").open("a") as errors:
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)


def await_save(program: subprocess.Popen[str], watched: holdfast.Store) -> None:
    before = watched.latest()
    while program.poll() is None and watched.latest() == before:
        time.sleep(0.02)


def finish(program: subprocess.Popen[str], out: Path) -> Any:
    program.communicate()
    assert program.returncode == 0, (out / "errors.txt").read_text()
    return torch.load(out / "weights.pt")


@pytest.mark.parametrize("integration", ["lightning", "huggingface"])
def test_a_killed_training_resumes_and_ends_with_the_weights_of_an_undisturbed_one(
    integration: str, location: str, tmp_path: Path
) -> None:
    pytest.importorskip({"lightning": "lightning", "huggingface": "transformers"}[integration])
    expected = finish(start(integration, str(tmp_path / "undisturbed"), tmp_path / "whole"), tmp_path / "whole")
    out = tmp_path / "out"
    seed = int(os.environ.get("HOLDFAST_SEED", random.randrange(2**32)))
    print(f"HOLDFAST_SEED={seed}")
    chance = random.Random(seed)
    with open_store(location, mode="shared") as watched:
        for to_program, to_helper in KILLS.values():
            program = start(integration, location, out)
            assert program.stdout is not None
            helper = int(program.stdout.readline())
            await_save(program, watched)
            time.sleep(chance.random() / 5)
            assert program.poll() is None, (out / "errors.txt").read_text()
            if to_helper is not None:
                os.kill(helper, to_helper)
            if to_program is None:  # the training starts another helper and goes on, or fails and is started again
                await_save(program, watched)
            program.send_signal(to_program or signal.SIGKILL)
            program.communicate()
            assert watched.verify()["good"]
    weights = finish(start(integration, location, out), out)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
