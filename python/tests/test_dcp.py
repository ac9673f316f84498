"""The real torch.distributed.checkpoint. Needs torch."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import LONG, open_store, running

import holdfast_checkpoints as holdfast

torch = pytest.importorskip("torch", reason="torch is not installed")

import torch.distributed.checkpoint as dcp  # noqa: E402
from torch.distributed.checkpoint.api import CheckpointException  # noqa: E402

from holdfast_checkpoints.dcp import Reader, Writer  # noqa: E402

#: One rank of a job with a sharded tensor. Its words: rank, number of ranks, a file for torch, location, action, step.
RANK = f"""
import sys
import torch, torch.distributed as dist, torch.distributed.checkpoint as dcp
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Shard, distribute_tensor, zeros
import holdfast_checkpoints as holdfast
from holdfast_checkpoints.dcp import Reader, Writer

rank, size = int(sys.argv[1]), int(sys.argv[2])
file, location, action, step = sys.argv[3], sys.argv[4], sys.argv[5], int(sys.argv[6])
dist.init_process_group("gloo", init_method="file://" + file, rank=rank, world_size=size)
mesh = init_device_mesh("cpu", (size,))
adapters = ["@holdfast/adapter-s3"] if location.startswith("s3:") else None
whole = torch.arange(24.0).reshape(12, 2)
timeouts = dict(join_timeout={LONG}, save_timeout={LONG})
with holdfast.open(location, config=False, adapters=adapters, ranks=(rank, size), **timeouts) as store:
    if action == "save":
        state = dict(sharded=distribute_tensor(whole * step, mesh, [Shard(0)]), step=step)
        writer = Writer(store, step, metrics=dict(loss=1 / step))
        dcp.save(state, storage_writer=writer)
        print("saved", writer.saved.step, writer.saved.file_count, flush=True)
    else:
        state = dict(sharded=zeros(12, 2, device_mesh=mesh, placements=[Shard(0)]), step=0)
        reader = Reader(store)
        dcp.load(state, storage_reader=reader)
        same = torch.equal(state["sharded"].full_tensor(), whole * reader.step)
        print("loaded", reader.step, state["step"], same, flush=True)
"""


def run(location: str, size: int, *words: object) -> list[str]:
    """Runs a job of some ranks to its end, and returns what each printed."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as ranks:
        jobs = [
            ranks.enter_context(
                running("-c", RANK, rank, size, f"{folder}/ranks", location, *words, OMP_NUM_THREADS="1")
            )
            for rank in range(size)
        ]
        printed = [job.communicate(timeout=LONG)[0].strip() for job in jobs]
        assert [job.returncode for job in jobs] == [0] * size
    return printed


def test_saves_on_two_ranks_and_loads_on_four_and_on_one(location: str) -> None:
    assert run(location, 2, "save", 5) == ["saved 5 3", "saved 5 3"]
    assert run(location, 4, "load", 0) == ["loaded 5 5 True"] * 4
    assert run(location, 1, "load", 0) == ["loaded 5 5 True"]
    with open_store(location) as store:
        checkpoint = store.get("latest")
        assert checkpoint is not None
        assert [file.name for file in checkpoint.files] == [".metadata", "__0_0.distcp", "__1_0.distcp"]
        assert checkpoint.metrics == {"loss": 0.2}


def test_one_process_saves_and_loads_without_ranks(disk_store: holdfast.Store, tmp_path: Path) -> None:
    state = {"weights": torch.arange(300_000.0), "nested": {"step": 7, "name": "a"}}
    writer = Writer(disk_store, 7)
    dcp.save(state, storage_writer=writer)
    assert writer.saved.step == 7
    loaded = {"weights": torch.zeros(300_000), "nested": {"step": 0, "name": ""}}
    dcp.load(loaded, storage_reader=Reader(disk_store))
    assert torch.equal(loaded["weights"], state["weights"])
    assert loaded["nested"] == state["nested"]
    restored = disk_store.restore("latest", tmp_path / "folder")
    assert restored is not None
    again = {"weights": torch.zeros(300_000), "nested": {"step": 0, "name": ""}}
    dcp.load(again, checkpoint_id=tmp_path / "folder")  # DCP's own reader
    assert torch.equal(again["weights"], state["weights"])


def test_saves_in_the_background(disk_store: holdfast.Store) -> None:
    future = dcp.async_save({"weights": torch.arange(1000.0)}, storage_writer=Writer(disk_store, 1))
    future.result()
    latest = disk_store.latest()
    assert latest is not None and latest.step == 1


def test_a_state_that_cannot_be_written_saves_nothing(disk_store: holdfast.Store) -> None:
    class Unwritable:
        def __reduce__(self) -> str:
            raise RuntimeError("this cannot be written")

    with pytest.raises(CheckpointException, match="this cannot be written"):
        dcp.save({"weights": torch.zeros(10), "bad": Unwritable()}, storage_writer=Writer(disk_store, 1))
    disk_store.flush()
    assert disk_store.latest() is None
    dcp.save({"weights": torch.zeros(10)}, storage_writer=Writer(disk_store, 1))
    assert [each.step for each in disk_store.list()] == [1]


def test_raises_why_the_store_takes_no_more_bytes(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", refuse_below=9 * 10**15) as store:
        with pytest.raises(CheckpointException, match="Not enough space"):
            dcp.save({"weights": torch.zeros(20 * 2**20)}, storage_writer=Writer(store, 1))
        assert store.list() == []


def test_refuses_a_second_save_or_load_and_an_empty_store(disk_store: holdfast.Store) -> None:
    with pytest.raises(CheckpointException, match="no checkpoint to load"):
        dcp.load({"weights": torch.zeros(10)}, storage_reader=Reader(disk_store))
    writer = Writer(disk_store, 1)
    with pytest.raises(holdfast.InvalidArgument, match="Nothing is saved yet"):
        _ = writer.saved
    dcp.save({"weights": torch.zeros(10)}, storage_writer=writer)
    with pytest.raises(CheckpointException, match="A Writer saves once"):
        dcp.save({"weights": torch.zeros(10)}, storage_writer=writer)
    reader = Reader(disk_store)
    dcp.load({"weights": torch.ones(10)}, storage_reader=reader)
    with pytest.raises(CheckpointException, match="A Reader loads once"):
        dcp.load({"weights": torch.ones(10)}, storage_reader=reader)


def test_refuses_a_store_that_was_opened_for_other_ranks(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", ranks=(1, 2)) as store, pytest.raises(holdfast.InvalidArgument, match="ranks="):
        Writer(store, 1)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_program_that_ends_before_dcp_has_finished_ends_soon(tmp_path: Path) -> None:
    program = """
import sys, torch
import holdfast_checkpoints as holdfast
from holdfast_checkpoints.dcp import Writer, _Channel
from holdfast_checkpoints._contents import Later
store = holdfast.open(sys.argv[1], config=False)
store.save_async(1, {".metadata": Later(_Channel().copy_to)})
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "store")], timeout=LONG, capture_output=True, text=True
    )
    assert "The program ended before DCP had written its files" in ended.stderr
    with open_store(tmp_path / "store") as store:
        assert store.list() == []
