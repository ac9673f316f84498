"""The order against docs/data.md."""

from __future__ import annotations

import json
import random
from pathlib import Path

from holdfast_checkpoints.order import permutation, steps_from

VECTORS = Path(__file__).parents[2] / "docs" / "data-vectors.json"


def test_the_permutation_matches_the_test_vectors() -> None:
    cases = json.loads(VECTORS.read_text())["permutation"]
    assert len(cases) > 0
    for case in cases:
        at = permutation(case["size"], case["seed"], case["epoch"])
        assert [at(position) for position in case["positions"]] == case["samples"]


def test_the_permutation_contains_every_sample_once() -> None:
    chance = random.Random(1)
    for _ in range(200):
        size = chance.randint(1, 500)
        at = permutation(size, chance.randrange(2**53), chance.randrange(1000))
        assert sorted(map(at, range(size))) == list(range(size))


def test_steps_deliver_each_position_once_if_resumed_on_any_number_of_workers() -> None:
    chance = random.Random(2)
    for _ in range(500):
        length = chance.randint(1, 100)
        position, seen = 0, []
        while position < length:
            world_size, batch_size = chance.randint(1, 5), chance.randint(1, 8)
            workers = [
                list(steps_from(0, position, length, batch_size, "short", rank, world_size))
                for rank in range(world_size)
            ]
            stop = chance.randint(0, len(workers[0]))
            for step in zip(*(steps[:stop] for steps in workers), strict=True):
                assert len({after for _, after in step}) == 1
                seen += [each for positions, _ in step for each in positions]
                epoch, position = step[0][1]
                position = length if epoch == 1 else position
        assert sorted(seen) == list(range(length))
