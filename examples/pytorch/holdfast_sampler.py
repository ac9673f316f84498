"""A batch sampler for torch.utils.data.DataLoader whose position can be saved in the middle of an epoch."""

from torch.utils.data import Sampler

from holdfast_order import permutation, steps_from

FORMAT = "holdfast-data/1.0"


class ResumableBatchSampler(Sampler):
    """
    Gives the rest of the epoch from wherever it is, and counts what was delivered, not what was fetched ahead:

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
            raise ValueError("samples and batch_size are 1 or more, and rank is from 0 to below world_size")
        if last_batch not in ("short", "drop", "wrap"):
            raise ValueError(f"last_batch is 'short', 'drop' or 'wrap', not {last_batch!r}")
        if last_batch == "drop" and samples < batch_size * world_size:
            raise ValueError(f"all {samples} samples would be dropped: make the batches smaller")
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
        """The batches of a DataLoader that has this sampler. Each counts as soon as the loop has it."""
        epoch = self.epoch
        for batch, (_, after) in zip(loader, self._steps()):
            self.epoch, self.position = after
            yield batch
        self.epoch, self.position = epoch + 1, 0

    def state_dict(self):
        """Plain JSON, the same on all workers: what a DataLoader of @holdfast/core writes and reads."""
        return {"format": FORMAT, **self.data, "epoch": self.epoch, "position": self.position}

    def load_state_dict(self, state):
        """Goes to a saved position, whatever the batch size and number of workers that it was saved with."""
        if not str(state.get("format")).startswith("holdfast-data/1."):
            raise ValueError(f"not a position in data that this program reads: {state.get('format')!r}")
        saved = {name: state.get(name) for name in self.data}
        if saved != self.data:
            raise ValueError(f"the saved position is one in other data: {saved}, and this is {self.data}")
        if state["epoch"] < 0 or not 0 <= state["position"] < self.data["samples"]:
            raise ValueError(f"there is no position {state['position']} in epoch {state['epoch']}")
        self.epoch, self.position = state["epoch"], state["position"]
