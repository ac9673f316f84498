"""What the options of calls accept, and what they return."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast


class Two:
    """An integer of another library, such as numpy.int64."""

    def __index__(self) -> int:
        return 2


def test_accepts_numbers_of_other_libraries(tmp_path: Path) -> None:
    with open_store(tmp_path / "store", keep_last=Two()) as store:
        for step in range(3):
            store.save(step, {"a.bin": b"a"}, epoch=Decimal("1.5"))  # type: ignore[typeddict-item]
        assert [(each.step, each.epoch) for each in store.list()] == [(1, 1.5), (2, 1.5)]


@pytest.mark.parametrize(
    ("options", "message"),
    [({"epoch": math.nan}, "epoch is not valid"), ({"tags": [object()]}, "tags is not valid: object is not JSON")],
)
def test_names_an_option_that_cannot_be_sent(
    disk_store: holdfast.Store, options: holdfast.SaveOptions, message: str
) -> None:
    with pytest.raises(holdfast.InvalidArgument, match=message):
        disk_store.save(1, {"a.bin": b"a"}, **options)
    assert disk_store._helper is not None
    assert (disk_store._helper._calls, disk_store._helper._streams) == ({}, {})
    assert disk_store.save(1, {"a.bin": b"a"}).step == 1


def test_refuses_parameters_that_are_too_long_for_the_helper(disk_store: holdfast.Store) -> None:
    with pytest.raises(holdfast.InvalidArgument, match=r"The parameters of save have .* At most 67108864"):
        disk_store.save(1, {"a.bin": b"a"}, metadata="x" * 2**26)
    assert disk_store.save(1, {"a.bin": b"a"}).step == 1


def test_the_path_of_a_restored_file_lasts_until_close_or_the_end_of_the_program(
    disk_store: holdfast.Store, tmp_path: Path
) -> None:
    disk_store.save(1, {"a.bin": b"a"})
    restored = disk_store.restore(1)
    assert restored is not None
    path = restored["a.bin"]
    del restored
    gc.collect()
    assert path.read_bytes() == b"a"
    path.unlink()
    path.parent.rmdir()

    with disk_store.restore(1) as closed:  # type: ignore[union-attr]
        folder = closed.folder
        assert folder.exists()
    assert not folder.exists()

    program = """
import sys
import holdfast_checkpoints as holdfast
with holdfast.open(sys.argv[1], config=False, mode="shared") as store:
    print(store.restore(1)["a.bin"])
"""
    words = [sys.executable, "-c", program, str(tmp_path / "store")]
    ended = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ended.stderr == ""
    assert not Path(ended.stdout.strip()).parent.exists()


def test_a_copy_replaces_the_best_checkpoint_if_it_may(tmp_path: Path) -> None:
    objectives = {"loss": ("loss", "min")}
    with (
        open_store(tmp_path / "one") as one,
        open_store(tmp_path / "other", objectives=objectives) as other,
    ):
        one.save(1, {"a.bin": b"new"}, metrics={"loss": 0.2})
        other.save(1, {"a.bin": b"old"}, metrics={"loss": 0.1})
        (refused,) = one.copy_to(other, [1], on_existing="replace")
        assert refused["kind"] == "failed"
        seen: list[int] = []
        (copied,) = one.copy_to(
            other, [1], on_existing="replace", allow_best=True, on_progress=lambda done, _: seen.append(done)
        )
        assert copied["kind"] == "copied"
        assert seen[-1] == 3
        with other.read(1, "a.bin") as file:
            assert file.read() == b"new"
