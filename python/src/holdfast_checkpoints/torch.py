"""Resumes a training with torch exactly: the state of the generators, and the position in the data."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

import torch
from torch.utils.data import DataLoader, Sampler

from .errors import InvalidArgument
from .order import LastBatch, permutation, steps_from

FORMAT = "holdfast-data/1.0"


def rng_state() -> dict[str, Any]:
    """
    Returns the state of the generators of Python, torch, CUDA and, if it is imported, numpy.

    Save it beside the model: `{"model": model.state_dict(), "rng": rng_state()}`. It contains only tensors and plain
    values, so `torch.load` loads it with `weights_only=True`.
    """
    version, words, gauss = random.getstate()
    state: dict[str, Any] = {
        "python": {"version": version, "words": list(words), "gauss": gauss},
        "torch": torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state_all()
    if "numpy" in sys.modules:
        kind, keys, position, has_gauss, cached = sys.modules["numpy"].random.get_state()
        state["numpy"] = {
            "kind": str(kind),
            "keys": [int(key) for key in keys],
            "position": int(position),
            "has_gauss": int(has_gauss),
            "cached": float(cached),
        }
    return state


def load_rng_state(state: Mapping[str, Any]) -> None:
    """
    Sets the generators to a state of `rng_state`. Raises InvalidArgument if it has another number of CUDA devices.

    Call it last before the loop goes on, because building a model draws numbers.
    """
    cuda = state.get("cuda")
    if cuda is not None and len(cuda) != torch.cuda.device_count():
        raise InvalidArgument(
            f"The state has the generators of {len(cuda)} CUDA devices, but this machine has "
            f"{torch.cuda.device_count()}. To go on with other numbers, remove 'cuda' from the state."
        )
    python = state["python"]
    random.setstate((python["version"], tuple(python["words"]), python["gauss"]))
    torch.set_rng_state(state["torch"].cpu())
    if cuda is not None:
        torch.cuda.set_rng_state_all([each.cpu() for each in cuda])
    numpy = state.get("numpy")
    if numpy is not None:
        import numpy as np

        keys = np.array(numpy["keys"], dtype=np.uint32)
        np.random.set_state((numpy["kind"], keys, numpy["position"], numpy["has_gauss"], numpy["cached"]))


class ResumableBatchSampler(Sampler[list[int]]):
    """
    Yields the rest of the epoch, and counts the batches that the loop received, not those that were fetched ahead:

        sampler = ResumableBatchSampler(len(dataset), batch_size=64, seed=42)
        loader = DataLoader(dataset, batch_sampler=sampler, num_workers=4)
        while sampler.epoch < epochs:
            for batch in sampler.delivered(loader):
                ...  # train, then save sampler.state_dict()

    Its order follows docs/data.md, so `@holdfast/core` reads its states. It draws no numbers from any generator.
    """

    def __init__(
        self,
        samples: int,
        batch_size: int,
        *,
        shuffled: bool = True,
        seed: int = 0,
        last_batch: LastBatch = "short",
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        if samples < 1 or batch_size < 1 or not 0 <= rank < world_size:
            raise InvalidArgument(
                "samples and batch_size must be at least 1, and rank must be from 0 to world_size - 1."
            )
        if last_batch not in ("short", "drop", "wrap"):
            raise InvalidArgument(f"last_batch must be 'short', 'drop' or 'wrap', not {last_batch!r}.")
        if last_batch == "drop" and samples < batch_size * world_size:
            raise InvalidArgument(f"All {samples} samples would be dropped. Use smaller batches.")
        self.data = {"kind": "shuffled" if shuffled else "sequential", "seed": seed, "samples": samples}
        self.samples = samples
        self.seed = seed
        self.shuffled = shuffled
        self.batch_size = batch_size
        self.last_batch: LastBatch = last_batch
        self.rank = rank
        self.world_size = world_size
        self.epoch = 0
        self.position = 0

    def _steps(self) -> Iterator[tuple[list[int], tuple[int, int]]]:
        return steps_from(
            self.epoch, self.position, self.samples, self.batch_size, self.last_batch, self.rank, self.world_size
        )

    def __iter__(self) -> Iterator[list[int]]:
        at = permutation(self.samples, self.seed, self.epoch) if self.shuffled else int
        for positions, _ in self._steps():
            yield [at(position) for position in positions]

    def __len__(self) -> int:
        left = self.samples - self.position
        step_size = self.batch_size * self.world_size
        return left // step_size if self.last_batch == "drop" else -(-left // step_size)

    def delivered(self, loader: DataLoader[Any]) -> Iterator[Any]:
        """
        Yields the batches of a DataLoader that uses this sampler. A batch counts when the loop receives it.

        Raises InvalidArgument for a loader with another sampler, whose order cannot be resumed, and if another
        iteration or `load_state_dict` moves the position before the next batch.
        """
        if loader.batch_sampler is not self:
            raise InvalidArgument(
                "The DataLoader uses another sampler, whose order cannot be resumed. "
                "Create it with DataLoader(dataset, batch_sampler=sampler)."
            )
        epoch = self.epoch
        for batch, (_, after) in zip(_undisturbed(loader), self._steps(), strict=False):
            self.epoch, self.position = after
            yield batch
            if (self.epoch, self.position) != after:
                raise InvalidArgument(
                    "The iteration cannot continue: another iteration, or load_state_dict, has moved the position in "
                    "the data. Run one iteration at a time, and leave it before you call load_state_dict."
                )
        self.epoch, self.position = epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Returns the position as plain JSON. It is the same on all ranks."""
        return {"format": FORMAT, **self.data, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state: Mapping[str, Any] | None) -> None:
        """
        Moves to a saved position. The batch size and the number of workers may differ from those of the save.

        Call it before the loop over `delivered`. Raises InvalidArgument for a state of other data, and for None, the
        data state of a checkpoint that was saved without one.
        """
        if state is None:
            raise InvalidArgument(
                "The checkpoint has no data state. Save each one with data_state=sampler.state_dict()."
            )
        if not str(state.get("format")).startswith("holdfast-data/1."):
            raise InvalidArgument(
                f"The data state has a format that this version does not read: {state.get('format')!r}."
            )
        saved = {name: state.get(name) for name in self.data}
        if saved != self.data:
            raise InvalidArgument(f"The data state was saved for other data: {saved}. This data is: {self.data}.")
        epoch, position = state.get("epoch"), state.get("position")
        if not (_is_count(epoch) and _is_count(position) and position < self.samples):
            raise InvalidArgument(f"Position {position!r} of epoch {epoch!r} does not exist.")
        self.epoch, self.position = epoch, position


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and value >= 0


def _undisturbed(loader: DataLoader[Any]) -> Iterator[Any]:
    """
    Returns an iterator of the loader, and leaves the global generator as it was.

    A loader without a generator of its own draws the seed of its workers from the global generator whenever an iterator
    begins. A resumed run begins one more, so its dropout would differ from that of a run without an interruption.
    """
    with torch.random.fork_rng(devices=[]):
        return iter(loader)
