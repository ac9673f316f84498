"""
Measures how long `save_async` blocks its caller, as a multiple of the time that one clone of the same tensors takes:

    python python/benchmarks/save_async.py [--mib 512] [--rounds 15] [--store ./store]

Each round clones the tensors and saves them, in turns. The first number compares the processor time of the calling
thread, and the second one the time on the clock, which other programs on the machine disturb. Torch uses one thread, so
that the processor time of a clone is that of the caller.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

import holdfast_checkpoints as holdfast

MIB = 2**20


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--store", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        location = options.store or Path(folder, "store")
        with holdfast.open(location, keep_last=1, config=False) as store:
            for count in (8, 400, 4000):
                measure(store, count, options.mib * MIB, options.rounds)


def measure(store: holdfast.Store, count: int, size: int, rounds: int) -> None:
    tensors = {f"tensor.{index}": torch.rand(size // 4 // count) for index in range(count)}
    ratios = []
    for each in range(rounds):
        step = count * 1000 + each
        clone = timed(lambda: [tensor.clone() for tensor in tensors.values()])
        save = timed(partial(store.save_async, step, {"state.pth": tensors}))
        store.flush()
        ratios.append((save[0] / clone[0], save[1] / clone[1], clone[1]))
    processor, clock, seconds = (statistics.median(each) for each in zip(*ratios, strict=True))
    print(
        f"{count} tensors, {size // MIB} MiB: save_async blocks for {processor:.2f} clones of processor time, "
        f"{clock:.2f} on the clock (a clone takes {seconds * 1000:.0f} ms)",
        flush=True,
    )


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Returns the processor time of this thread and the time on the clock that the work takes."""
    processor, clock = time.thread_time(), time.perf_counter()
    result = work()
    taken = time.thread_time() - processor, time.perf_counter() - clock
    del result
    return taken


if __name__ == "__main__":
    main()
