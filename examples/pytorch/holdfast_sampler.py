"""A batch sampler for torch.utils.data.DataLoader whose position can be saved in the middle of an epoch."""

from torch.utils.data import Sampler

from holdfast_order import permutation, steps_from

FORMAT = "holdfast-data/1.0"


class ResumableBatchSampler(Sampler):
    """
    Yields the rest of the epoch, and counts the batches that the loop received, not those that were fetched ahead:

        sampler = ResumableBatchSampler(len(dataset), batch_size=64, seed=42)
        loader = DataLoader(dataset, batch_sampler=sampler, num_workers=4)
        while sampler.epoch < epochs:
            for batch in sampler.delivered(loader):
                ...  # train, then save sampler.state_dict()
    """

    def __init__(
        self, samples, batch_size, *, shuffled=True, seed=0, last_batch="short", rank=0, world_size=1
    ):
        if samples < 1 or batch_size < 1 or not 0 <= rank < world_size:
            raise ValueError("samples and batch_size must be at least 1, and rank must be from 0 to world_size - 1")
        if last_batch not in ("short", "drop", "wrap"):
            raise ValueError(f"last_batch must be 'short', 'drop' or 'wrap', not {last_batch!r}")
        if last_batch == "drop" and samples < batch_size * world_size:
            raise ValueError(f"all {samples} samples would be dropped: use smaller batches")
        self.data = {"kind": "shuffled" if shuffled else "sequential", "seed": seed, "samples": samples}
        self.batching = {
            "batch_size": batch_size,
            "last_batch": last_batch,
            "rank": rank,
            "world_size": world_size,
        }
        self.epoch = 0
        self.position = 0

    def _steps(self):
        return steps_from(self.epoch, self.position, self.data["samples"], **self.batching)

    def __iter__(self):
        samples, seed = self.data["samples"], self.data["seed"]
        at = permutation(samples, seed, self.epoch) if self.data["kind"] == "shuffled" else int
        for positions, _ in self._steps():
            yield [at(position) for position in positions]

    def __len__(self):
        left = self.data["samples"] - self.position
        step_size = self.batching["batch_size"] * self.batching["world_size"]
        return left // step_size if self.batching["last_batch"] == "drop" else -(-left // step_size)

    def delivered(self, loader):
        """Yields the batches of a DataLoader that uses this sampler. A batch counts when the loop receives it."""
        epoch = self.epoch
        for batch, (_, after) in zip(loader, self._steps()):
            self.epoch, self.position = after
            yield batch
        self.epoch, self.position = epoch + 1, 0

    def state_dict(self):
        """Returns the position as plain JSON. It is the same on all workers, and @holdfast/core can load it."""
        return {"format": FORMAT, **self.data, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state):
        """Moves to a saved position. The batch size and the number of workers may differ from those of the save."""
        if not str(state.get("format")).startswith("holdfast-data/1."):
            raise ValueError(f"the data state has a format that this program does not read: {state.get('format')!r}")
        saved = {name: state.get(name) for name in self.data}
        if saved != self.data:
            raise ValueError(f"the data state was saved for other data: {saved}. This data is: {self.data}")
        if state["epoch"] < 0 or not 0 <= state["position"] < self.data["samples"]:
            raise ValueError(f"position {state['position']} of epoch {state['epoch']} does not exist")
        self.epoch, self.position = state["epoch"], state["position"]
