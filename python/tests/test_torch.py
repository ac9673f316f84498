"""Tensors, generators and the sampler. Needs torch."""

from __future__ import annotations

import io
import os
import random
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from conftest import LONG, leftovers, open_store, running

import holdfast_checkpoints as holdfast

torch = pytest.importorskip("torch", reason="torch is not installed")

from holdfast_checkpoints._snapshot import snapshot  # noqa: E402
from holdfast_checkpoints.torch import ResumableBatchSampler, load_rng_state, rng_state  # noqa: E402

MIB = 2**20


def test_a_state_is_saved_and_loaded_with_its_shared_memory(disk_store: holdfast.Store) -> None:
    weight = torch.arange(12.0).reshape(3, 4)
    state = {"weight": weight, "tied": weight, "row": weight[1], "lr": 0.1, "groups": [{"params": (0, 1)}]}
    disk_store.save(1, {"state.pth": state})
    handle = disk_store.save_async(2, {"state.pth": state})
    assert handle.result().step == 2
    for step in (1, 2):
        loaded = torch.load(disk_store.path(step, "state.pth"))
        assert torch.equal(loaded["weight"], weight)
        assert loaded["lr"] == 0.1 and loaded["groups"] == [{"params": (0, 1)}]
        loaded["weight"][1] = 7
        assert loaded["tied"][1, 0] == loaded["row"][0] == 7


def test_save_async_saves_the_values_of_the_call(disk_store: holdfast.Store) -> None:
    model = torch.nn.Linear(256, 256)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    buffer = bytearray(b"before")
    handle = disk_store.save_async(1, {"model.pth": model.state_dict(), "log.txt": buffer}, metrics={"loss": 1})
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    buffer[:] = b"after!"
    saved = handle.result(LONG)
    assert handle.done() and saved.metrics == {"loss": 1}
    loaded = torch.load(disk_store.path(1, "model.pth"))
    assert all(torch.equal(loaded[name], value) for name, value in before.items())
    assert disk_store.path(1, "log.txt").read_bytes() == b"before"


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor(1.5, dtype=torch.bfloat16),
        torch.empty(0),
        torch.ones(2, 3).t(),
        torch.ones(3, dtype=torch.complex64).conj(),
        torch.eye(3).to_sparse(),
        torch.nn.Parameter(torch.ones(2)),
        torch.arange(10)[3:7],
    ],
    ids=["scalar", "empty", "transposed", "conjugate", "sparse", "parameter", "view"],
)
def test_a_copy_equals_its_tensor_and_shares_no_memory(tensor: Any) -> None:
    copied = snapshot({"tensor": tensor})["tensor"]
    assert type(copied) is type(tensor) and copied.dtype == tensor.dtype
    assert torch.equal(
        copied.to_dense() if copied.is_sparse else copied, tensor.to_dense() if tensor.is_sparse else tensor
    )
    if not tensor.is_sparse and tensor.numel() > 0:
        assert copied.untyped_storage().data_ptr() != tensor.untyped_storage().data_ptr()


def test_a_further_save_waits_and_an_unread_error_is_raised_later(disk_store: holdfast.Store) -> None:
    go = threading.Event()

    def write(file: Any) -> None:
        go.wait(LONG)
        file.write(b"a")

    first = disk_store.save_async(1, {"a.bin": write})
    assert not first.done()
    with pytest.raises(TimeoutError):
        first.result(0.01)
    threading.Timer(0.1, go.set).start()
    second = disk_store.save_async(1, {"a.bin": b"b"})  # the step exists by then, with other bytes
    assert first.done()
    second.wait()
    with pytest.raises(holdfast.AlreadyExists):
        disk_store.flush()
    disk_store.flush()


def test_a_cancelled_save_saves_nothing(disk_store: holdfast.Store, tmp_path: Path) -> None:
    began = threading.Event()

    def write(file: Any) -> None:
        file.write(bytes(2 * MIB))
        began.set()
        while True:
            file.write(bytes(MIB))

    handle = disk_store.save_async(1, {"a.bin": write})
    assert began.wait(LONG)
    handle.cancel()
    with pytest.raises(holdfast.Aborted):
        handle.result(LONG)
    assert disk_store.list() == []
    assert leftovers(tmp_path / "store") == []


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Lets torch use one thread. With more, the processor time of the caller contains waits for the others."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("one_thread")
def test_the_caller_is_blocked_little_longer_than_a_clone_takes() -> None:
    state = {f"layer.{index}": torch.ones(4 * MIB) for index in range(8)}  # 128 MiB
    snapshot(state)

    def seconds(work: Any) -> float:
        began = time.thread_time()
        kept = work()
        took = time.thread_time() - began
        del kept
        return took

    # In turns, so that a load that begins or ends meanwhile affects both.
    clones, copies = [], []
    for _ in range(9):
        clones.append(seconds(lambda: {name: value.clone() for name, value in state.items()}))
        copies.append(seconds(lambda: snapshot(state)))
    assert min(copies) < 1.5 * min(clones)


def test_the_generators_continue_where_they_were_saved(disk_store: holdfast.Store) -> None:
    np = pytest.importorskip("numpy")

    def draws() -> list[float]:
        return [
            random.random(),
            random.gauss(0, 1),
            float(np.random.rand()),
            float(np.random.randn()),
            float(torch.rand(1)),
        ]

    draws()
    disk_store.save(1, {"rng.pth": rng_state()})
    expected = draws()
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    load_rng_state(torch.load(disk_store.path(1, "rng.pth"), weights_only=True))
    assert draws() == expected


class Squares(torch.utils.data.Dataset):  # type: ignore[misc,name-defined]
    def __len__(self) -> int:
        return 64

    def __getitem__(self, index: int) -> Any:
        x = index / 64
        return torch.tensor([x]), torch.tensor([x * x])


def train(store: holdfast.Store, steps: int, workers: int) -> Any:
    """Trains with dropout up to a number of steps, resumes from the store, and saves at each step."""
    torch.manual_seed(3)
    model = torch.nn.Sequential(torch.nn.Linear(1, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1))
    optimizer = torch.optim.Adam(model.parameters())
    sampler = ResumableBatchSampler(64, 8, seed=5)
    loader = torch.utils.data.DataLoader(Squares(), batch_sampler=sampler, num_workers=workers)
    step = 0
    restored = store.restore("latest")
    if restored:
        state = torch.load(restored["state.pth"])
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        sampler.load_state_dict(restored.data_state)
        step = restored.step
        load_rng_state(state["rng"])
    while step < steps:
        for x, y in sampler.delivered(loader):
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "rng": rng_state()}
            store.save_async(step, {"state.pth": state}, data_state=sampler.state_dict())
            if step == steps:
                break
    store.flush()
    return model.state_dict()


@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_with_dropout_resumes_bit_exactly_mid_epoch(tmp_path: Path, workers: int) -> None:
    with open_store(tmp_path / "whole", keep_last=1) as store:
        expected = train(store, 11, workers)
    with open_store(tmp_path / "parts", keep_last=1) as store:
        for steps in (3, 8, 11):
            torch.rand(steps)  # a new process has drawn other numbers
            weights = train(store, steps, workers)
    assert all(torch.equal(weights[name], value) for name, value in expected.items())


def test_a_loader_with_another_sampler_is_refused() -> None:
    loader = torch.utils.data.DataLoader(Squares(), batch_size=8, shuffle=True)
    with pytest.raises(holdfast.InvalidArgument, match="uses another sampler"):
        next(ResumableBatchSampler(64, 8).delivered(loader))


@pytest.mark.parametrize("read", [1, 8])
def test_an_epoch_that_is_read_is_refused_once_another_position_is_loaded(read: int) -> None:
    sampler = ResumableBatchSampler(64, 8)
    loader = torch.utils.data.DataLoader(Squares(), batch_sampler=sampler)
    batches = sampler.delivered(loader)
    for _ in range(read):
        next(batches)
    state = {**sampler.state_dict(), "epoch": 3, "position": 32}
    sampler.load_state_dict(state)
    with pytest.raises(holdfast.InvalidArgument, match="or load_state_dict, has moved the position"):
        next(batches)
    assert sampler.state_dict() == state
    assert len(list(sampler.delivered(loader))) == 4


def test_a_second_iteration_ends_the_first_one() -> None:
    sampler = ResumableBatchSampler(64, 8)
    loader = torch.utils.data.DataLoader(Squares(), batch_sampler=sampler)
    first = sampler.delivered(loader)
    next(first)
    next(sampler.delivered(loader))
    with pytest.raises(holdfast.InvalidArgument, match="another iteration"):
        next(first)


def test_a_position_is_loaded_before_the_first_batch_is_read() -> None:
    sampler = ResumableBatchSampler(64, 8)
    batches = sampler.delivered(torch.utils.data.DataLoader(Squares(), batch_sampler=sampler))
    sampler.load_state_dict({**sampler.state_dict(), "position": 48})
    assert len(list(batches)) == 2


@pytest.mark.parametrize(
    "change", [{"epoch": None}, {"epoch": -1}, {"position": 8.0}, {"position": "8"}, {"position": 64}]
)
def test_a_position_that_does_not_exist_is_refused(change: dict[str, Any]) -> None:
    sampler = ResumableBatchSampler(64, 8)
    with pytest.raises(holdfast.InvalidArgument, match="does not exist"):
        sampler.load_state_dict({**sampler.state_dict(), **change})


def test_a_checkpoint_without_a_data_state_is_refused() -> None:
    with pytest.raises(holdfast.InvalidArgument, match="has no data state"):
        ResumableBatchSampler(64, 8).load_state_dict(None)


EXAMPLE = Path(__file__).parents[2] / "examples" / "pytorch" / "train.py"

#: How often the example is killed.
KILLS = int(os.environ.get("HOLDFAST_KILLS", "2"))

#: Epochs of a training that is killed. It never reaches them, so a slow test is not too late to kill it.
ENDLESS = 100_000


def start_example(folder: Path, epochs: int) -> AbstractContextManager[subprocess.Popen[str]]:
    return running(EXAMPLE, "--store", folder, "--epochs", epochs, "--save-every", 2)


def finish_example(folder: Path, epochs: int) -> str:
    """Runs the example to its end, and returns what it printed."""
    with start_example(folder, epochs) as program:
        printed = program.communicate(timeout=LONG)[0]
    assert program.returncode == 0
    return printed


def weights_in(folder: Path) -> Any:
    with open_store(folder, mode="shared") as store, store.read("latest", "state.pth") as file:
        return torch.load(io.BytesIO(file.read()))["model"]


def test_the_example_ends_with_the_same_weights_if_it_is_killed(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    seed = int(os.environ.get("HOLDFAST_SEED", random.randrange(2**32)))
    print(f"HOLDFAST_SEED={seed}")
    chance = random.Random(seed)
    with open_store(parts, mode="shared") as watched:
        for kill in range(KILLS):
            with start_example(parts, ENDLESS) as program:
                if kill % 5 == 4:  # while it starts, restores or begins
                    time.sleep(2 * chance.random())
                else:
                    before = watched.latest()
                    while program.poll() is None and watched.latest() == before:
                        time.sleep(0.02)
                    time.sleep(chance.random() / 10)
                assert program.poll() is None, "the example ended before it was killed"
                program.kill()
                assert program.wait() == -signal.SIGKILL
        latest = watched.latest()
    assert latest is not None and latest.epoch is not None
    epochs = int(latest.epoch) + 2
    printed = finish_example(parts, epochs)
    assert printed.startswith("digest of the weights: ")
    assert finish_example(whole, epochs) == printed
    expected, found = weights_in(whole), weights_in(parts)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_the_example_mentions_holdfast_in_at_most_twelve_lines() -> None:
    code = EXAMPLE.read_text().split('"""')[2]
    assert len(re.findall(r"^.*(?:holdfast|\bstore\b|restored).*$", code, re.M)) <= 12
