"""The real Lightning. Needs lightning and torch."""

from __future__ import annotations

import json
import random
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG, open_store, running

import holdfast_checkpoints as holdfast

torch = pytest.importorskip("torch", reason="torch is not installed")
lightning = pytest.importorskip("lightning", reason="lightning is not installed")

from lightning.pytorch.callbacks import ModelCheckpoint  # noqa: E402
from lightning.pytorch.plugins.io import AsyncCheckpointIO  # noqa: E402

from holdfast_checkpoints.lightning import HoldfastIO  # noqa: E402

BATCHES = 4


class Model(lightning.LightningModule):  # type: ignore[misc, name-defined]
    def __init__(self, fails_at: int | None = None) -> None:
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Dropout(0.1), torch.nn.Linear(8, 1))
        self.fails_at = fails_at

    def training_step(self, batch: Any, index: int) -> Any:
        if self.global_step == self.fails_at:
            raise RuntimeError("the machine is gone")
        return self.layers(batch[0]).square().mean()

    def validation_step(self, batch: Any, index: int) -> None:
        self.log("val_loss", self.layers(batch[0]).square().mean() + 1.0 / (1 + self.current_epoch))

    def configure_optimizers(self) -> Any:
        return torch.optim.Adam(self.parameters(), lr=1e-2)


def loader() -> Any:
    generator = torch.Generator().manual_seed(7)
    data = torch.utils.data.TensorDataset(torch.randn(8 * BATCHES, 4, generator=generator))
    return torch.utils.data.DataLoader(data, batch_size=8)


def trainer(epochs: int, out: Path, plugin: Any, devices: int = 1, strategy: str = "auto", **options: Any) -> Any:
    callback = ModelCheckpoint(
        dirpath=out, filename="{epoch}-{step}", monitor="val_loss", save_top_k=2, save_last=True, **options
    )
    return lightning.Trainer(
        accelerator="cpu",
        devices=devices,
        strategy=strategy,
        max_epochs=epochs,
        callbacks=[callback],
        plugins=[] if plugin is None else [plugin],
        default_root_dir=out,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def weights(model: Any) -> list[Any]:
    return [each.detach().clone() for each in model.parameters()]


def test_resumes_on_a_new_machine_with_the_weights_of_a_run_without_an_interruption(
    location: str, tmp_path: Path
) -> None:
    torch.manual_seed(1)
    whole = Model()
    trainer(4, tmp_path / "plain", None).fit(whole, loader(), loader())

    out = tmp_path / "out"
    torch.manual_seed(1)
    first = Model()
    with open_store(location, objectives={"loss": ("val_loss", "min")}, keep_last=3) as store:
        trainer(2, out, HoldfastIO(store)).fit(first, loader(), loader())
        state = torch.get_rng_state()
        assert [each.step for each in store.list()] == [BATCHES, 2 * BATCHES]
        assert set(store.list()[0].metrics) == {"val_loss"}
        assert all(file.stat().st_size < 200 for file in out.iterdir())
    shutil.rmtree(out)  # another machine has no files of the first one

    with open_store(location, objectives={"loss": ("val_loss", "min")}, keep_last=3) as store:
        resumed = Model()
        torch.set_rng_state(state)
        second = trainer(4, out, HoldfastIO(store))
        second.fit(resumed, loader(), loader(), ckpt_path="last")
        assert second.global_step == 4 * BATCHES
        for one, other in zip(weights(whole), weights(resumed), strict=True):
            assert torch.equal(one, other)
        best = second.checkpoint_callback.best_model_path
        assert second.validate(resumed, loader(), ckpt_path="best")[0]["val_loss"] > 0
        assert Path(best).exists()
        assert store.restore("best:loss") is not None


@pytest.mark.parametrize("choice", ["holdfast:latest", f"holdfast:{BATCHES}"])
def test_loads_a_checkpoint_of_the_store_by_its_name(disk_store: holdfast.Store, tmp_path: Path, choice: str) -> None:
    trainer(1, tmp_path / "out", HoldfastIO(disk_store)).fit(Model(), loader(), loader())
    second = trainer(2, tmp_path / "elsewhere", HoldfastIO(disk_store))
    second.fit(Model(), loader(), loader(), ckpt_path=choice)
    assert second.global_step == 2 * BATCHES


def test_last_is_the_latest_checkpoint_if_the_program_died_before_it_wrote_the_marker(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with open_store(tmp_path / "store", keep_last=1) as store:
        trainer(2, out, HoldfastIO(store)).fit(Model(), loader(), loader())
        (out / "last.ckpt").write_text(json.dumps({"holdfast": "", "step": BATCHES}))
        assert [each.step for each in store.list()] == [2 * BATCHES]
        second = trainer(3, out, HoldfastIO(store))
        second.fit(Model(), loader(), loader(), ckpt_path="last")
        assert second.global_step == 3 * BATCHES


def test_a_store_with_ranks_is_refused(tmp_path: Path) -> None:
    with (
        open_store(tmp_path / "store", ranks=(0, 2)) as store,
        pytest.raises(holdfast.InvalidArgument, match="without ranks"),
    ):
        HoldfastIO(store)


def unused_port() -> int:
    """Returns a port that is still free when Lightning binds it. Systems choose higher ones for those who name none."""
    for port in random.sample(range(20_000, 32_000), 100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise AssertionError("no port is free")


def train_on_two_ranks(location: str, out: Path, epochs: int) -> Any:
    program = Path(__file__).with_name("ddp_training.py")
    with running(program, location, out, epochs, MASTER_PORT=str(unused_port())) as training:
        training.communicate(timeout=LONG)
    assert training.returncode == 0
    first, second = (torch.load(out.with_name(f"{out.name}-{rank}.pt")) for rank in (0, 1))
    for name, value in first.items():
        assert torch.equal(second[name], value)
    return first


def test_two_ranks_of_ddp_save_one_checkpoint_and_resume_on_a_new_machine(location: str, tmp_path: Path) -> None:
    whole = train_on_two_ranks(str(tmp_path / "store-of-whole"), tmp_path / "whole", 3)
    out = tmp_path / "out"
    train_on_two_ranks(location, out, 2)
    with open_store(location, mode="shared") as store:
        assert [each.step for each in store.list()] == [BATCHES // 2, BATCHES]
    shutil.rmtree(out)
    resumed = train_on_two_ranks(location, out, 3)
    for name, value in whole.items():
        assert torch.equal(resumed[name], value)
    with open_store(location, mode="shared") as store:
        latest = store.latest()
        assert latest is not None and latest.step == 3 * BATCHES // 2


def test_names_a_store_without_checkpoints(disk_store: holdfast.Store) -> None:
    with pytest.raises(holdfast.NotFound, match="holdfast:latest"):
        HoldfastIO(disk_store).load_checkpoint("holdfast:latest")


def test_the_retention_of_the_store_decides_and_not_the_top_k_of_lightning(
    disk_store: holdfast.Store, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    trainer(4, out, HoldfastIO(disk_store)).fit(Model(), loader(), loader())
    assert len(list(out.glob("epoch=*.ckpt"))) == 2
    assert [each.step for each in disk_store.list()] == [BATCHES * epoch for epoch in (1, 2, 3, 4)]


def test_saves_when_the_training_raises_and_resumes_there(disk_store: holdfast.Store, tmp_path: Path) -> None:
    first = trainer(2, tmp_path / "out", HoldfastIO(disk_store), save_on_exception=True)
    with pytest.raises(RuntimeError, match="the machine is gone"):
        first.fit(Model(fails_at=BATCHES + 2), loader(), loader())
    latest = disk_store.latest()
    assert latest is not None and latest.step == BATCHES + 2
    second = trainer(2, tmp_path / "out", HoldfastIO(disk_store))
    second.fit(Model(), loader(), loader(), ckpt_path="holdfast:latest")
    assert second.global_step == 2 * BATCHES


def test_saves_in_the_background(disk_store: holdfast.Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    trainer(2, out, AsyncCheckpointIO(HoldfastIO(disk_store))).fit(Model(), loader(), loader())
    assert [each.step for each in disk_store.list()] == [BATCHES, 2 * BATCHES]


def test_pins_what_slurm_resumes_until_the_resumed_job_saves(disk_store: holdfast.Store, tmp_path: Path) -> None:
    path = tmp_path / "hpc_ckpt_1.ckpt"
    io = HoldfastIO(disk_store)
    io.save_checkpoint({"global_step": 1, "epoch": 0}, path)
    (saved,) = disk_store.list()
    assert saved.pinned is not None
    path.unlink()
    resumed = HoldfastIO(disk_store)
    assert resumed.load_checkpoint(path)["global_step"] == 1
    assert disk_store.list()[0].pinned is not None
    resumed.save_checkpoint({"global_step": 2, "epoch": 0}, tmp_path / "next.ckpt")
    assert [each.pinned for each in disk_store.list()] == [None, None]


def test_saves_another_model_with_the_same_step_and_the_same_model_once(
    disk_store: holdfast.Store, tmp_path: Path
) -> None:
    io = HoldfastIO(disk_store)

    def save(model: Any, name: str) -> Any:
        io.save_checkpoint({"global_step": 1, "epoch": 0, "state_dict": model.state_dict()}, tmp_path / name)
        latest = disk_store.latest()
        assert latest is not None
        return latest.saved_at

    first, second = torch.nn.Linear(4, 8), torch.nn.Linear(4, 8)
    assert save(first, "a.ckpt") == save(first, "last.ckpt")
    save(second, "b.ckpt")
    for name, each in io.load_checkpoint(tmp_path / "b.ckpt")["state_dict"].items():
        assert torch.equal(each, second.state_dict()[name])
    with torch.no_grad():
        second.weight[0, 0] += 1
    save(second, "c.ckpt")
    assert torch.equal(io.load_checkpoint(tmp_path / "c.ckpt")["state_dict"]["weight"], second.weight)


#: Prints by how many MiB the checksum of 64 MiB raises the memory of a process.
MEMORY_OF_A_CHECKSUM = """
import resource, torch
from holdfast_checkpoints.lightning import _checksum
tensor = torch.ones(2**25, dtype=torch.bfloat16)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
_checksum(tensor)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 2**10)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the unit of ru_maxrss is that of Linux")
def test_the_checksum_of_a_large_tensor_takes_little_memory() -> None:
    ended = subprocess.run([sys.executable, "-c", MEMORY_OF_A_CHECKSUM], capture_output=True, text=True, check=True)
    assert int(ended.stdout) < 96  # all numbers as integers of 8 bytes are 256 MiB


def test_saves_numbers_of_which_no_checksum_can_be_computed(
    disk_store: holdfast.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("CUDA out of memory")

    conjugated = torch.tensor([1 + 2j, 3 - 4j]).conj()
    io = HoldfastIO(disk_store)
    io.save_checkpoint({"global_step": 1, "state_dict": {"a": conjugated}}, tmp_path / "a.ckpt")
    monkeypatch.setattr(torch.Tensor, "sum", fail)
    io.save_checkpoint({"global_step": 2, "state_dict": {"a": torch.ones(2)}}, tmp_path / "b.ckpt")
    assert [each.step for each in disk_store.list()] == [1, 2]
    assert torch.equal(io.load_checkpoint(tmp_path / "a.ckpt")["state_dict"]["a"], conjugated)


def test_lists_a_store_once_to_write_its_markers(disk_store: holdfast.Store, tmp_path: Path) -> None:
    for step in range(3):
        metadata = {"lightning": {"path": str(tmp_path / f"{step}.ckpt")}}
        disk_store.save(step, {"checkpoint.ckpt": b"a"}, metadata=metadata)
    calls: list[str] = []
    helper = disk_store._helper
    assert helper is not None
    start = helper.start
    helper.start = lambda method, *rest: calls.append(method) or start(method, *rest)  # type: ignore[method-assign, func-returns-value]
    try:
        HoldfastIO(disk_store)
    finally:
        helper.start = start  # type: ignore[method-assign]
    assert sorted(calls) == ["latest", "list"]
    assert len(list(tmp_path.glob("?.ckpt"))) == 3


def test_loads_and_removes_a_file_that_lightning_wrote_before(disk_store: holdfast.Store, tmp_path: Path) -> None:
    path = tmp_path / "old.ckpt"
    torch.save({"global_step": 5, "weight": torch.zeros(2000)}, path)
    io = HoldfastIO(disk_store)
    assert io.load_checkpoint(path)["global_step"] == 5
    io.remove_checkpoint(path)
    assert not path.exists()
    io.remove_checkpoint(path)


def test_a_save_that_fails_ends_the_training_and_leaves_no_marker(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", refuse_below=9 * 10**15) as store, pytest.raises(holdfast.NoSpace):
        trainer(1, tmp_path / "out", HoldfastIO(store)).fit(Model(), loader(), loader())
    assert not list((tmp_path / "out").glob("*.ckpt"))
