"""
Trains a layer whose rows are spread over all ranks. Kill a rank at any moment, or change the number of ranks:

    torchrun --standalone --nproc-per-node 4 train.py --store ./runs/ranks
"""

import argparse
import os
import subprocess
import tempfile
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

ROWS, COLUMNS = 24, 16


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", default="./runs/ranks")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--save-every", type=int, default=10, help="steps")
    options = parser.parse_args()

    torch.set_num_threads(1)
    dist.init_process_group("gloo", timeout=timedelta(minutes=10))
    rank, size = dist.get_rank(), dist.get_world_size()
    rows = range(ROWS * rank // size, ROWS * (rank + 1) // size)

    with tempfile.TemporaryDirectory() as folder:
        member = f"{folder}/member"  # the membership of this rank, for as long as this program runs
        resumed = Path(folder, "resumed")
        command = ["holdfast", "restore", "latest", "--store", options.store, "--to", str(resumed), "--fallback"]
        subprocess.run([*command, "--ranks", "env", "--member", member], check=True)
        step, weights, momentum = load(resumed, rows)
        print(f"rank {rank} of {size}, process {os.getpid()}, continues after step {step}", flush=True)

        while step < options.steps:
            step += 1
            loss = train(weights, momentum, rows, step)
            if step % options.save_every == 0 or step == options.steps:
                # The name says which rows are in the file, and differs from that of every other rank.
                file = f"{folder}/rows-{rows.start}-{rows.stop}.pt"
                shard = {"step": step, "start": rows.start, "stop": rows.stop}
                torch.save({**shard, "weights": weights, "momentum": momentum}, file)
                command = ["holdfast", "save", file, "--store", options.store, "--step", str(step), "--keep-last", "3"]
                subprocess.run([*command, "--metric", f"loss={loss}", "--member", member], check=True)

    total = weights.double() @ torch.linspace(1, 2, COLUMNS, dtype=torch.float64)
    dist.all_reduce(total := total.sum())
    if rank == 0:
        print(f"digest of the weights: {total.item():.6f}", flush=True)
    dist.destroy_process_group()


def load(folder, rows):
    """Returns the step, and these rows of the weights and of the momentum, whichever ranks have saved them."""
    weights, momentum = torch.zeros(ROWS, COLUMNS), torch.zeros(ROWS, COLUMNS)
    step = 0
    for file in folder.glob("rows-*.pt"):
        shard = torch.load(file, weights_only=True)  # runs no code of the file
        step = shard["step"]
        saved = slice(shard["start"], shard["stop"])
        weights[saved], momentum[saved] = shard["weights"], shard["momentum"]
    mine = slice(rows.start, rows.stop)
    return step, weights[mine].clone(), momentum[mine].clone()


def train(weights, momentum, rows, step):
    """Does one step with the batch of that step. Returns the loss of all rows."""
    random = torch.Generator().manual_seed(step)
    inputs = torch.randn(32, COLUMNS, generator=random)
    target = torch.linspace(-1, 1, ROWS * COLUMNS).reshape(ROWS, COLUMNS)[rows.start : rows.stop]
    error = inputs @ (weights - target).T
    momentum.mul_(0.9).add_(error.T @ inputs / len(inputs))
    weights.sub_(0.02 * momentum)
    loss = error.square().sum() / (len(inputs) * ROWS)
    dist.all_reduce(loss)
    return loss.item()


if __name__ == "__main__":
    main()
