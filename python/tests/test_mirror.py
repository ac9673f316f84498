"""A mirror beside the store."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast


def test_a_mirror_gets_the_checkpoints_and_a_new_machine_continues_from_it(location: str, tmp_path: Path) -> None:
    """The store is on a disk, and the mirror on a disk or in S3."""
    local = tmp_path / "local"
    with open_store(local, mirror=location, keep_last=2) as store:
        empty = store.mirror_status()
        assert empty is not None and empty.newest is None and empty.waiting == {}
        for step in (1, 2, 3):
            store.save(step, {"a.bin": b"a" * step})
        status = store.flush_mirror()
        assert status is not None and status.newest is not None
        assert (status.state, status.newest.step, status.waiting, status.failed) == ("idle", 3, {}, {})
        assert status.newest.saved_at <= status.newest.copied_at
    shutil.rmtree(local)
    with open_store(local, mirror={"store": location}, keep_last=2) as store:
        restored = store.restore("latest")
        assert restored is not None and restored.step == 3
        assert restored.source is not None and restored.source.place == "mirror"
        assert restored["a.bin"].read_bytes() == b"aaa"
        store.save(4, {"a.bin": b"aaaa"})
    with open_store(location) as mirror:  # closing the store has waited for the mirror
        assert [each.step for each in mirror.list()] == [3, 4]


def test_a_new_machine_does_not_start_from_nothing_if_the_mirror_cannot_be_read(tmp_path: Path) -> None:
    with open_store(tmp_path / "one", mirror=tmp_path / "mirror") as store:
        store.save(1, {"a.bin": b"one"})
    (tmp_path / "mirror" / "holdfast.json").write_text("damaged")
    with (
        open_store(tmp_path / "other", mirror=tmp_path / "mirror") as store,
        pytest.raises(holdfast.Unavailable, match="the mirror cannot be read"),
    ):
        store.restore("latest", fallback=True)


def test_a_mirror_of_another_run_is_refused_and_no_save_fails(tmp_path: Path) -> None:
    with open_store(tmp_path / "one", mirror=tmp_path / "mirror") as store:
        store.save(1, {"a.bin": b"one"})
    with open_store(tmp_path / "other", mirror=tmp_path / "mirror") as store:
        store.save(2, {"a.bin": b"other"})
        status = store.flush_mirror()
        assert status is not None and status.state == "fenced" and status.waiting == {2: 5}
        assert isinstance(status.error, holdfast.Fenced)
        assert status.error.hint is not None and "takeOver" in status.error.hint
        assert [each.step for each in store.list()] == [2]


def test_a_checkpoint_that_cannot_be_copied_is_named_with_its_error(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as store:
        for step in (1, 2):
            store.save(step, {"a.bin": b"abc"})
        path = store.path(1, "a.bin")
        path.chmod(0o600)
        path.write_bytes(b"abX")
    with open_store(tmp_path / "store", mirror=tmp_path / "mirror") as store:
        status = store.flush_mirror()
        assert status is not None and status.newest is not None and status.newest.step == 2
        assert list(status.failed) == [1] and isinstance(status.failed[1], holdfast.Corrupt)


def test_a_store_without_a_mirror_has_no_status(disk_store: holdfast.Store) -> None:
    assert disk_store.mirror_status() is None
    assert disk_store.flush_mirror() is None
    disk_store.save(1, {"a.bin": b"a"})
    restored = disk_store.restore("latest")
    assert restored is not None and restored.source is None


def test_options_of_a_mirror_are_checked(tmp_path: Path) -> None:
    with pytest.raises(holdfast.HoldfastError, match="keepLst"):
        open_store(tmp_path / "store", mirror={"store": "m", "retention": {"keepLst": 1}})
