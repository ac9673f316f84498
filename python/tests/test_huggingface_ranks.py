"""The callback and the resume of Hugging Face on two ranks. Needs transformers, accelerate and torch."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG, open_store

pytest.importorskip("torch", reason="torch is not installed")
pytest.importorskip("transformers", reason="transformers is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed")

#: One rank. Its words: action, location, output folder, file for its result.
RANK = """
import json, os, sys, time
from pathlib import Path
from types import SimpleNamespace

action, location, out, result = sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]
rank = int(os.environ["RANK"])
if action in ("resume on two machines", "fail on the second machine"):
    os.environ["LOCAL_RANK"] = "0"
    out = out / str(rank)

from accelerate import PartialState
import holdfast_checkpoints as holdfast
from holdfast_checkpoints.huggingface import Callback, resume_from_checkpoint

ranks = PartialState(cpu=True)


def resume(store):
    restored = []
    restore = store.restore
    store.restore = lambda choice, *words, **options: restored.append(choice) or restore(choice, *words, **options)
    folder = resume_from_checkpoint(store, out)
    model = Path(folder, "model.bin")
    before = os.stat(model).st_ino
    ranks.wait_for_everyone()
    return [restored, str(Path(folder).relative_to(out)), model.read_text(), os.stat(model).st_ino == before]


def save(store):
    folder = out / "checkpoint-2"
    folder.mkdir(parents=True, exist_ok=True)
    first_waits_or_has_saved = out / "flag"
    if rank == 0:
        wait = PartialState.wait_for_everyone
        PartialState.wait_for_everyone = lambda self: (first_waits_or_has_saved.touch(), wait(self))
    else:
        while not first_waits_or_has_saved.exists():
            time.sleep(0.01)
    (folder / f"rng_state_{rank}.pth").write_text(str(rank))
    state = SimpleNamespace(is_world_process_zero=rank == 0, global_step=2, epoch=1.0, log_history=[])
    Callback(store).on_save(SimpleNamespace(output_dir=str(out)), state, None)
    first_waits_or_has_saved.touch()


def fail(store):
    def restore_on_the_first_machine(*words, **options):
        if rank == 1:
            raise holdfast.NoSpace("the disk is full", hint="Use another disk.")
        return restore(*words, **options)

    restore = store.restore
    if action == "fail on the second machine":
        store.restore = restore_on_the_first_machine
    try:
        resume_from_checkpoint(store, out, 7 if action == "fail on the first rank" else 2)
    except holdfast.HoldfastError as error:
        return [error.code, error.hint]


does = {"save": save, "fail on the first rank": fail, "fail on the second machine": fail}.get(action, resume)

with holdfast.open(location, config=False, mode="shared") as store:
    Path(f"{result}-{rank}").write_text(json.dumps(does(store)))
"""


def results_of_two_ranks(tmp_path: Path, action: str) -> list[Any]:
    program = tmp_path / "rank.py"
    program.write_text(RANK)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(program)]
    words = [action, str(tmp_path / "store"), str(tmp_path / "out"), str(tmp_path / "result")]
    ended = subprocess.run([*launcher, *words], timeout=LONG, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    return [json.loads((tmp_path / f"result-{rank}").read_text()) for rank in (0, 1)]


def save_two(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for step in (1, 2):
            store.save(step, {"model.bin": f"weights {step}".encode()})


def test_one_rank_restores_for_all_ranks_of_a_machine(tmp_path: Path) -> None:
    save_two(tmp_path)
    assert results_of_two_ranks(tmp_path, "resume") == [
        [["latest"], "checkpoint-2", "weights 2", True],
        [[], "checkpoint-2", "weights 2", True],
    ]
    assert [each.name for each in (tmp_path / "out").iterdir()] == ["checkpoint-2"]


def test_one_rank_of_each_machine_restores_if_the_folder_is_not_shared(tmp_path: Path) -> None:
    save_two(tmp_path)
    assert results_of_two_ranks(tmp_path, "resume on two machines") == [
        [["latest"], "checkpoint-2", "weights 2", True],
        [[2], "checkpoint-2", "weights 2", True],
    ]


def test_every_rank_raises_the_error_of_the_first_one(tmp_path: Path) -> None:
    save_two(tmp_path)
    assert [code for code, _ in results_of_two_ranks(tmp_path, "fail on the first rank")] == ["NOT_FOUND"] * 2
    assert not list((tmp_path / "out").glob(".holdfast-*"))


def test_every_rank_raises_the_error_of_another_machine(tmp_path: Path) -> None:
    save_two(tmp_path)
    assert results_of_two_ranks(tmp_path, "fail on the second machine") == [
        ["INSUFFICIENT_SPACE", "Use another disk."],
        ["INSUFFICIENT_SPACE", "Use another disk."],
    ]
    assert not list((tmp_path / "out").rglob(".holdfast-*"))


def test_a_checkpoint_has_the_files_of_all_ranks(tmp_path: Path) -> None:
    results_of_two_ranks(tmp_path, "save")
    with open_store(tmp_path / "store") as store:
        saved = store.get("latest")
        assert saved is not None
        assert [file.name for file in saved.files] == ["rng_state_0.pth", "rng_state_1.pth"]
