from __future__ import annotations

import io
import logging
import math
import os
import re
import struct
from pathlib import Path
from typing import Any

import pytest
from conftest import open_store

import holdfast_checkpoints as holdfast
from holdfast_checkpoints.checkpoints import saved_of
from holdfast_checkpoints.errors import HoldfastError, phrase_hint

MIB = 2**20


def test_saves_every_kind_of_content_and_restores_it(store: holdfast.Store, tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("epoch 1")
    large = os.urandom(9 * MIB)  # more than the window of a stream

    def write_slowly(file: io.BufferedIOBase) -> None:
        for start in range(0, len(large), 100_000):
            file.write(large[start : start + 100_000])

    saved = store.save(
        7,
        {
            "path.txt": tmp_path / "log.txt",
            "bytes.bin": large,
            "view.bin": memoryview(b"view"),
            "file.bin": io.BytesIO(b"file"),
            "pieces.bin": (piece for piece in (b"pie", b"ces")),
            "written.bin": write_slowly,
            "empty.bin": lambda file: None,
        },
        epoch=2,
        metrics={"loss": 0.5, "worst": math.inf, "odd": math.nan},
        tags=["first"],
        metadata={"seed": 2**70},
        data_state={"position": [1, 2, {"a": None}]},
    )
    assert (saved.step, saved.epoch, saved.file_count, saved.tags) == (7, 2, 7, ("first",))
    assert saved.metrics["worst"] == math.inf and math.isnan(saved.metrics["odd"])

    restored = store.restore("latest", tmp_path / "resume")
    assert restored is not None
    assert restored["written.bin"].read_bytes() == restored["bytes.bin"].read_bytes() == large
    assert restored["pieces.bin"].read_bytes() == b"pieces"
    assert restored["empty.bin"].read_bytes() == b""
    assert restored["path.txt"].read_text() == "epoch 1"
    assert restored.metadata == {"seed": 2**70}
    assert restored.data_state == {"position": [1, 2, {"a": None}]}
    with store.read(7, "bytes.bin") as file:
        assert file.read() == large


def test_saves_paths_and_folders_under_their_names(disk_store: holdfast.Store, tmp_path: Path) -> None:
    (tmp_path / "out" / "deep").mkdir(parents=True)
    (tmp_path / "out" / "deep" / "a.bin").write_bytes(b"a")
    saved = disk_store.save(1, tmp_path / "out")
    assert [file.name for file in saved.files] == ["out/deep/a.bin"]
    assert disk_store.path(1, "out/deep/a.bin").read_bytes() == b"a"


def test_small_files_are_packed_on_request(disk_store: holdfast.Store, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")
    (tmp_path / "b").write_text("second")
    saved = disk_store.save(1, [tmp_path / "a", tmp_path / "b"], packs="always")
    assert len({file.key for file in saved.files}) == 1
    with disk_store.read(1, "b") as file:
        assert file.read() == b"second"
    with pytest.raises(holdfast.Unsupported, match="packs='never'"):
        disk_store.path(1, "a")


def test_a_store_has_defaults_for_its_saves(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("first")
    (tmp_path / "b").write_text("second")
    options = {"packs": "always", "unchanged": "link", "rate_while_busy": "unlimited"}
    with open_store(tmp_path / "store", **options) as store:
        saved = store.save(1, [tmp_path / "a", tmp_path / "b"])
    assert len({file.key for file in saved.files}) == 1
    with pytest.raises(holdfast.InvalidArgument, match="rateWhileBusy"), open_store("mem:", rate_while_busy="soon"):
        pass


def test_contents_in_memory_are_packed(disk_store: holdfast.Store) -> None:
    contents = {f"{number}.bin": bytes([number]) * number for number in range(50)}
    files: dict[str, object] = {**contents, "view": memoryview(b"view"), "stream": iter([b"of unknown size"])}
    saved = disk_store.save(1, files, packs="always")  # type: ignore[arg-type]
    assert len({file.key for file in saved.files}) == 2
    for name, content in contents.items():
        with disk_store.read(1, name) as file:
            assert file.read() == content
    assert disk_store.verify()["good"]


def test_unchanged_files_are_shared_on_request(disk_store: holdfast.Store, tmp_path: Path) -> None:
    (tmp_path / "backbone").write_bytes(bytes(10_000))
    saved = [disk_store.save(step, tmp_path / "backbone", unchanged="link") for step in range(1, 4)]
    assert [each.unchanged_bytes for each in saved] == [0, 0, 10_000]
    inodes = [disk_store.path(step, "backbone").stat().st_ino for step in range(1, 4)]
    assert inodes[0] == inodes[2] != inodes[1]


def test_restore_returns_none_for_a_fresh_run(store: holdfast.Store) -> None:
    assert store.restore("latest", fallback=True) is None
    assert store.latest() is None
    assert store.list() == []


def test_a_restore_without_a_folder_removes_it_when_closed(disk_store: holdfast.Store) -> None:
    disk_store.save(1, {"a.bin": b"a"})
    restored = disk_store.restore()
    assert restored is not None
    with restored:
        assert restored["a.bin"].read_bytes() == b"a"
        with pytest.raises(KeyError, match="Restored: a"):
            restored["b.bin"]
    assert not restored.folder.exists()


def test_a_producer_that_raises_saves_nothing(store: holdfast.Store) -> None:
    def fail(file: io.BufferedIOBase) -> None:
        file.write(bytes(3 * MIB))
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        store.save(1, {"a.bin": fail, "b.bin": b"b"})
    assert store.list() == []
    assert store.save(1, {"a.bin": b"a"}).step == 1


def test_best_pin_attach_and_retention_decide_what_is_kept(location: str) -> None:
    options = {"objectives": {"loss": ("val_loss", "min")}, "keep_last": 1, "keep_best": {"loss": 1}}
    with open_store(location, **options) as store:  # type: ignore[arg-type]
        for step, loss in enumerate([0.3, 0.1, 0.2]):
            saved = store.save(step, {"a.bin": b"a"}, metrics={"val_loss": loss})
        assert [each.step for each in store.list()] == [1, 2]
        assert [each.step for each in saved.dropped] == []
        best = store.best("loss")
        assert best is not None and (best.step, best.best_of) == (1, ("loss",))
        store.pin(1, "before lr drop")
        store.attach(2, {"val_loss": 0.05})
        assert store.list()[0].pinned is not None
        store.unpin(1)
        assert [each.step for each in store.metrics()] == [0, 1, 2]
        assert [each.listed for each in store.metrics()] == [False, True, True]
        details = store.get("best:loss")
        assert details is not None and details.step == 2 and details.files[0].size == 1
        assert store.verify()["good"] is True


def test_errors_have_their_class_code_and_a_hint_in_python(disk_store: holdfast.Store) -> None:
    disk_store.save(1, {"a.bin": b"a"})
    with pytest.raises(holdfast.AlreadyExists) as caught:
        disk_store.save(1, {"a.bin": b"b"})
    assert caught.value.code == "ALREADY_EXISTS"
    assert caught.value.hint == "Choose another step, or replace it with on_existing='replace'."
    assert str(caught.value).endswith(caught.value.hint)
    with pytest.raises(holdfast.NotFound):
        disk_store.restore(99)
    with pytest.raises(holdfast.InvalidArgument, match="is not a valid choice"):
        disk_store.get("newest")
    with pytest.raises(holdfast.ConfigError):
        open_store("nope://x/y")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"step": 1.5}, "The step must be an integer, not float"),
        ({"step": True}, "The step must be an integer, not bool"),
        ({"metrics": {"loss": "low"}}, "The metric 'loss' is str, not a number"),
        ({"metadata": {1: "a"}}, "metadata has the key 1"),
        ({"data_state": object()}, "data_state is not JSON"),
        ({"data_state": [math.nan]}, "data_state is not JSON"),
        ({"metrcs": {"loss": 0.5}}, "A save has no option 'metrcs'. Its options are epoch, metrics,"),
        ({"files": {"a.bin": 7}}, "The content of 'a.bin' is int"),
        ({"files": {"a.bin": [1]}}, "memoryview"),
    ],
)
def test_arguments_that_cannot_be_saved_are_refused(
    disk_store: holdfast.Store, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises((holdfast.InvalidArgument, TypeError), match=message):
        disk_store.save(**{"step": 1, "files": {"a.bin": b"a"}, **arguments})  # type: ignore[arg-type]
    assert disk_store.list() == []


def test_a_list_has_the_metadata_of_each_checkpoint_on_request(store: holdfast.Store) -> None:
    store.save(1, {"a.bin": b"a"}, metadata={"seed": 2**70}, tags=("first",))
    store.save(2, {"a.bin": b"b"})
    assert [(each.step, each.metadata) for each in store.list(metadata=True)] == [(1, {"seed": 2**70}), (2, None)]
    assert not hasattr(store.list()[0], "metadata")


def test_a_corrupt_file_raises_corrupt_and_a_fallback_restores_the_older_one(
    disk_store: holdfast.Store, tmp_path: Path
) -> None:
    for step in (1, 2):
        disk_store.save(step, {"a.bin": b"abc"})
    path = disk_store.path(2, "a.bin")
    path.chmod(0o600)
    path.write_bytes(b"abX")
    with pytest.raises(holdfast.Corrupt), disk_store.read(2, "a.bin") as file:
        file.read()
    restored = disk_store.restore("latest", tmp_path / "to", fallback=True)
    assert restored is not None and restored.step == 1
    assert [each.step for each in restored.passed_over] == [2]


def test_a_range_of_a_file_is_read_without_the_rest(store: holdfast.Store) -> None:
    content = bytes(range(256)) * 40
    store.save(1, {"a.bin": content})
    for start, end in ((0, 10), (250, 300), (10_000, None), (10_240, None), (5, 99_999)):
        with store.read(1, "a.bin", range=(start, end)) as file:
            assert file.read() == content[start:end]
    for start, end in ((20_000, None), (5, 4), (-1, 4)):
        with pytest.raises(holdfast.InvalidArgument):
            store.read(1, "a.bin", range=(start, end))


def test_restores_the_files_that_match_a_pattern(disk_store: holdfast.Store, tmp_path: Path) -> None:
    disk_store.save(1, {"rank0/a.bin": b"0", "rank1/a.bin": b"1", "log.txt": b"2"})
    restored = disk_store.restore(1, tmp_path / "to", files=["rank1/*", "*.txt"])
    assert restored is not None and list(restored.paths) == ["rank1/a.bin", "log.txt"]
    with pytest.raises(holdfast.NotFound):
        disk_store.restore(1, tmp_path / "to", files=["rank2/*"])


def test_tensors_are_named_without_reading_them(disk_store: holdfast.Store) -> None:
    header = b'{"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}'
    disk_store.save(1, {"model.safetensors": struct.pack("<Q", len(header)) + header + bytes(24), "log.txt": b"epoch"})
    log, model = sorted(disk_store.tensors(), key=lambda each: each.file)
    assert (log.format, log.tensors) == ("unknown", ())
    assert model.format == "safetensors"
    assert model.tensors == (holdfast.TensorInfo("w", "F32", (2, 3)),)
    with pytest.raises(holdfast.NotFound):
        disk_store.tensors(2)


def test_a_file_can_be_closed_before_its_end(disk_store: holdfast.Store) -> None:
    disk_store.save(1, {"a.bin": bytes(16 * MIB)})
    with disk_store.read(1, "a.bin") as file:
        assert file.read(10) == bytes(10)
    assert disk_store.latest() is not None


def test_events_reach_listeners_and_the_log(disk_store: holdfast.Store, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    disk_store.on_event(lambda name, event: seen.append(name))
    with caplog.at_level(logging.INFO, "holdfast_checkpoints"):
        disk_store.save(1, {"a.bin": b"a"})
        disk_store.close()  # waits for the listeners
    assert "saved" in seen
    assert any(f"{disk_store.url}: saved" in record.message for record in caplog.records)


def test_a_rebuild_of_a_damaged_catalog_pins_checkpoints_and_warns(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with open_store(tmp_path / "store") as store:
        for step in (1, 2):
            store.save(step, {"a.bin": b"a"})
        store.pin(1)
    newest = max((tmp_path / "store" / "catalog").iterdir())
    newest.chmod(0o600)
    newest.write_bytes(newest.read_bytes()[:-1])
    with caplog.at_level(logging.INFO, "holdfast_checkpoints"), open_store(tmp_path / "store") as store:
        store.save(3, {"a.bin": b"a"})
        pinned = [each.step for each in store.list() if each.pinned is not None]
    assert pinned == [1, 2]
    assert [each.levelname for each in caplog.records if f"{store.url}: rebuilt" in each.message] == ["WARNING"]


def test_numbers_that_are_not_finite_arrive_as_numbers(tmp_path: Path) -> None:
    seen: dict[str, Any] = {}
    with open_store(tmp_path / "store", objectives={"loss": ("loss", "min")}) as store:
        store.on_event(lambda name, event: seen.update({name: event}))
        store.save(1, {"a.bin": b"a"}, metrics={"loss": math.nan})
        attached = store.attach(1, {"worst": -math.inf})
    metrics = attached["checkpoint"]["metrics"]
    assert math.isnan(metrics["loss"]) and metrics["worst"] == -math.inf
    assert math.isnan(seen["notFinite"]["value"])


def test_progress_is_reported(disk_store: holdfast.Store, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(bytes(1000))
    seen: list[tuple[int, int | None]] = []
    disk_store.save(1, tmp_path / "a.bin", on_progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1000, 1000)


def test_a_closed_store_refuses_calls(disk_store: holdfast.Store) -> None:
    disk_store.close()
    disk_store.close()
    with pytest.raises(holdfast.InvalidArgument, match="is closed"):
        disk_store.list()


def test_a_relative_location_belongs_to_the_folder_of_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        with open_store("runs") as store:
            store.save(1, {"a.bin": b"a"})
        assert (tmp_path / name / "runs").is_dir()


def test_a_refused_writer_gets_the_job_to_which_the_store_belongs(tmp_path: Path) -> None:
    with open_store(tmp_path, job="pose 42") as training, open_store(tmp_path) as notebook:
        training.save(1, {"w.bin": b"weights"})
        with open_store(tmp_path, mode="shared") as evaluator, pytest.raises(holdfast.Fenced) as caught:
            evaluator.attach(1, {"acc": 0.5})
        assert caught.value.hint is not None and "job='pose 42'" in caught.value.hint
        assert notebook.list()[0].step == 1
        with open_store(tmp_path, job="pose 42") as evaluator:
            evaluator.attach(1, {"acc": 0.5})
        training.save(2, {"w.bin": b"weights"})


def test_a_save_that_was_skipped_raises_unavailable() -> None:
    with pytest.raises(holdfast.Unavailable, match="another background save still runs"):
        saved_of(None)


def test_every_code_and_every_hint_of_the_library_is_known() -> None:
    core = Path(__file__).parents[2] / "packages" / "core" / "src"
    codes = re.findall(r"^  \| '([A-Z_]+)'$", (core / "errors.ts").read_text(), re.M)
    kinds = set(re.findall(r"kind: '([a-z-]+)'", (core / "hints.ts").read_text()))
    assert len(codes) > 10 and set(codes) <= set(HoldfastError.by_code)
    assert len(kinds) > 10
    assert [
        kind for kind in kinds if phrase_hint({"kind": kind, "name": "loss", "step": 1, "for": "join"}) is None
    ] == []


def test_a_full_store_advises_to_unpin_what_a_repair_pinned() -> None:
    advice = phrase_hint({"kind": "free-space", "canDelete": True, "repairPinned": [1, 2]})
    assert advice == (
        "Delete checkpoints with store.delete(). "
        "If a checkpoint that a repair pinned needs no pin, call store.unpin(), and delete it."
    )
    assert phrase_hint({"kind": "free-space", "canDelete": True}) == "Delete checkpoints with store.delete()."
