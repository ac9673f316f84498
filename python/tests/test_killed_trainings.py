"""Trainings of Lightning and Hugging Face that are killed: the program, the helper, both, and by Ctrl-C."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG, open_store, running

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

#: Steps of a training that is killed. It never reaches them, so a slow test is not too late to kill it.
ENDLESS = 400_000

#: Steps of the last run after the latest checkpoint: three epochs of Lightning.
REMAINING = 12


def start(integration: str, location: str, out: Path, steps: int) -> AbstractContextManager[subprocess.Popen[str]]:
    out.mkdir(exist_ok=True)
    return running(PROGRAM, integration, location, out, steps)


def await_save(program: subprocess.Popen[str], watched: holdfast.Store) -> None:
    before = watched.latest()
    while program.poll() is None and watched.latest() == before:
        time.sleep(0.02)


def finish(integration: str, location: str, out: Path, steps: int) -> Any:
    """Runs a training to its end, and returns its weights."""
    with start(integration, location, out, steps) as program:
        program.communicate(timeout=LONG)
    assert program.returncode == 0
    return torch.load(out / "weights.pt")


@pytest.mark.parametrize("integration", ["lightning", "huggingface"])
def test_a_killed_training_resumes_and_ends_with_the_weights_of_an_undisturbed_one(
    integration: str, location: str, tmp_path: Path
) -> None:
    pytest.importorskip({"lightning": "lightning", "huggingface": "transformers"}[integration])
    out = tmp_path / "out"
    seed = int(os.environ.get("HOLDFAST_SEED", random.randrange(2**32)))
    print(f"HOLDFAST_SEED={seed}")
    chance = random.Random(seed)
    with open_store(location, mode="shared") as watched:
        for to_program, to_helper in KILLS.values():
            with start(integration, location, out, ENDLESS) as program:
                assert program.stdout is not None
                line = program.stdout.readline()
                assert line, "the training ended before it opened its store"
                helper = int(line)
                await_save(program, watched)
                time.sleep(chance.random() / 5)
                assert program.poll() is None, "the training ended before it was killed"
                if to_helper is not None:
                    os.kill(helper, to_helper)
                if to_program is None:  # the training starts another helper and goes on, or fails and is started again
                    await_save(program, watched)
                else:
                    program.send_signal(to_program)
                    program.communicate(timeout=LONG)
                    if to_program == signal.SIGKILL:
                        assert program.returncode == -signal.SIGKILL
                    else:
                        assert program.returncode not in (0, -signal.SIGKILL)
            assert watched.verify()["good"]
        latest = watched.latest()
    assert latest is not None
    final = latest.step + REMAINING
    weights = finish(integration, location, out, final)
    expected = finish(integration, str(tmp_path / "undisturbed"), tmp_path / "whole", final)
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], value) for name, value in expected.items())
