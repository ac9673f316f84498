"""The order in which an epoch visits its samples, as docs/data.md specifies it. Requires only Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal

#: What the last step of an epoch does with too few samples: it is shorter, it is dropped, or it wraps around.
LastBatch = Literal["short", "drop", "wrap"]

MASK = 0xFFFFFFFF


def mix(word: int) -> int:
    """Scrambles 32 bits."""
    word ^= word >> 16
    word = word * 0x7FEB352D & MASK
    word ^= word >> 15
    word = word * 0x846CA68B & MASK
    return word ^ word >> 16


def hash32(purpose: int, *numbers: int) -> int:
    """Returns 32 bits that depend on the purpose and on every bit of the numbers."""
    state = mix((purpose + 1) * 0x9E3779B9 & MASK)
    for number in numbers:
        state = mix(state ^ number & MASK)
        state = mix(state ^ number >> 32)
    return state


def permutation(size: int, seed: int, epoch: int) -> Callable[[int], int]:
    """Returns a function that maps each position, from 0 to size - 1, to a sample."""
    bits = max(8, (size - 1).bit_length())
    low_bits = (bits + 1) // 2
    low_mask = (1 << low_bits) - 1
    high_mask = (1 << bits - low_bits) - 1
    keys = [hash32(turn, seed, epoch) for turn in range(8)]

    def at(position: int) -> int:
        number = position
        while True:
            high, low = number >> low_bits, number & low_mask
            for turn in range(0, 8, 2):
                high ^= mix(low ^ keys[turn]) & high_mask
                low ^= mix(high ^ keys[turn + 1]) & low_mask
            number = high << low_bits | low
            if number < size:
                return number

    return at


def steps_from(
    epoch: int,
    position: int,
    length: int,
    batch_size: int,
    last_batch: LastBatch = "short",
    rank: int = 0,
    world_size: int = 1,
) -> Iterator[tuple[list[int], tuple[int, int]]]:
    """Yields this rank's positions and the resulting (epoch, position) of all ranks, for each remaining step."""
    step_size = batch_size * world_size
    while position < length:
        left = length - position
        if last_batch == "drop" and left < step_size:
            return
        taken = min(left, step_size) if last_batch == "short" else step_size
        is_last = left <= step_size or (last_batch == "drop" and left - step_size < step_size)
        after = (epoch + 1, 0) if is_last else (epoch, position + step_size)
        yield [(position + offset) % length for offset in range(rank, taken, world_size)], after
        position += step_size
