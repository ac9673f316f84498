"""A training of one rank that prints one line of JSON for each step. The same command resumes it mid-epoch."""

import argparse
import json
import os

import torch
from torch.utils.data import DataLoader, Dataset

from holdfast_checkpoints.torch import ResumableBatchSampler


class Squares(Dataset):
    """Stands for any data set. Each sample contains its own index."""

    def __init__(self, samples):
        self.samples = samples

    def __len__(self):
        return self.samples

    def __getitem__(self, index):
        x = index / self.samples
        return index, torch.tensor([x]), torch.tensor([x * x])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--state", default="state.json")
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--last-batch", default="drop")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rank", type=int, default=0)
    parser.add_argument("--world-size", type=int, default=1)
    options = parser.parse_args()

    torch.set_num_threads(1)
    sampler = ResumableBatchSampler(
        options.samples,
        options.batch_size,
        seed=options.seed,
        last_batch=options.last_batch,
        rank=options.rank,
        world_size=options.world_size,
    )
    loader = DataLoader(Squares(options.samples), batch_sampler=sampler, num_workers=options.workers)
    if os.path.exists(options.state):
        with open(options.state) as file:
            sampler.load_state_dict(json.load(file))

    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    while sampler.epoch < options.epochs:
        for indices, x, y in sampler.delivered(loader):
            loss = torch.nn.functional.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            state = sampler.state_dict()
            if options.rank == 0:
                save(options.state, state)
            print(json.dumps({"samples": indices.tolist(), "state": state}), flush=True)


def save(path, state):
    """Replaces the file atomically."""
    with open(f"{path}.new", "w") as file:
        json.dump(state, file)
    os.replace(f"{path}.new", path)


if __name__ == "__main__":
    main()
