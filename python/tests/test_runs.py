from __future__ import annotations

import threading
from pathlib import Path

import pytest
from conftest import LONG, open_store

import holdfast_checkpoints as holdfast


def test_goes_back_to_an_older_checkpoint(store: holdfast.Store) -> None:
    for step in (8, 16, 24):
        store.save(step, {"a": str(step).encode()})
    assert [each["step"] for each in store.rewind(8, dry_run=True)["abandoned"]] == [16, 24]
    assert [each["step"] for each in store.rewind(8)["abandoned"]] == [16, 24]
    latest = store.latest()
    assert latest is not None and latest.step == 8
    assert [each.step for each in store.abandoned()] == [16, 24]
    store.save(16, {"a": b"another 16"})
    assert store.read("latest", "a").read() == b"another 16"
    with pytest.raises(holdfast.NotFound):
        store.rewind(99)


def test_undoes_a_deletion_and_a_prune(location: str) -> None:
    with open_store(location, keep_last=2) as store:
        for step in (1, 2):
            store.save(step, {"a": str(step).encode()})
        assert [each.step for each in store.delete([1], undo_for="1 h")] == [1]
        assert [(each["step"], each["bytes"]) for each in store.removed()] == [(1, 1)]
        assert [each["step"] for each in store.undo(dry_run=True)] == [1]
        assert [each["step"] for each in store.undo([1])] == [1]
        assert store.read(1, "a").read() == b"1"
        with pytest.raises(holdfast.NotFound, match="undo_for"):
            store.undo()
    with open_store(location, keep_last=1) as store:
        assert store.prune(undo_for="1 h")["undoUntil"] is not None
        assert [each["nextDropBecause"] for each in store.undo()] == ["not among the last 1"]


def test_skips_a_checkpoint_that_was_restored_too_often(location: str) -> None:
    def start() -> int | None:
        with open_store(location, job="train") as store:
            restored = store.restore(fallback=True, max_tries=2)
            return restored and restored.step

    with open_store(location, job="train") as store:
        for step in (1, 2):
            store.save(step, {"a": str(step).encode()})
    assert [start(), start()] == [2, 2]
    with open_store(location, job="train") as store:
        store.mark_good(2)
    assert [start(), start(), start()] == [2, 2, 1]


def test_tells_a_mistyped_location_from_an_empty_store(store: holdfast.Store) -> None:
    assert store.presence() == "absent"
    store.save(1, {"a": b"a"})
    assert store.presence() == "filled"
    assert store.unfinished_saves()["saves"] == 0


def test_copies_into_another_store(store: holdfast.Store, tmp_path: Path) -> None:
    for step in (1, 2):
        store.save(step, {"a": str(step).encode()}, metrics={"loss": 1 / step})
    with open_store(tmp_path / "other") as other:
        planned = store.copy_to(other, ["latest"], dry_run=True)
        assert [(each["kind"], each["step"]) for each in planned] == [("copied", 2)]
        assert other.presence() == "absent"
        assert [each["kind"] for each in store.copy_to(other)] == ["copied", "copied"]
        assert [each["kind"] for each in store.copy_to(other)] == ["there", "there"]
        assert store.copy_to(other, [1], to_step=7)[0]["toStep"] == 7
        assert [each.step for each in other.list()] == [1, 2, 7]
        assert other.read(7, "a").read() == b"1"
        other.save(3, {"a": b"here"})
        store.save(3, {"a": b"there"})
        (outcome,) = store.copy_to(other, [3])
        assert (outcome["kind"], outcome["error"]["code"]) == ("failed", "ALREADY_EXISTS")


def test_ranks_save_and_restore_together(location: str) -> None:
    steps: dict[int, int | None] = {}
    errors: list[BaseException] = []

    def rank(number: int) -> None:
        try:
            with open_store(location, ranks=(number, 2), join_timeout=LONG, save_timeout=LONG) as store:
                restored = store.restore(fallback=True, files=[f"rank-{number}.bin"])
                steps[number] = restored and restored.step
                store.save(1 if restored is None else restored.step + 1, {f"rank-{number}.bin": bytes([number])})
        except BaseException as error:
            errors.append(error)

    for expected in (None, 1):
        threads = [threading.Thread(target=rank, args=[number]) for number in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert steps == {0: expected, 1: expected}
    with open_store(location) as store:
        checkpoint = store.get("latest")
        assert checkpoint is not None
        assert (checkpoint.step, [file.name for file in checkpoint.files]) == (2, ["rank-0.bin", "rank-1.bin"])
        assert store.unfinished_joint_saves() == []
    with open_store(location, ranks=(0, 1), join_timeout=LONG) as store:
        assert store.join() == 2


def test_refuses_timeouts_without_ranks(tmp_path: Path) -> None:
    with pytest.raises(holdfast.InvalidArgument, match="need ranks"):
        open_store(tmp_path / "store", join_timeout=1)
