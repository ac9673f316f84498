"""What the methods of a store return."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from .errors import HoldfastError, Unavailable, error_from


@dataclass(frozen=True)
class Pin:
    """The protection of a checkpoint from every deletion."""

    at: datetime
    reason: str | None


@dataclass(frozen=True)
class File:
    """A file of a checkpoint. `size` is in bytes, `key` is its path below the root of the store."""

    name: str
    size: int
    sha256: str
    key: str


@dataclass(frozen=True)
class Checkpoint:
    """
    A committed checkpoint. `bytes` is the size of all its files.

    `best_of` names the objectives of which it is the best, `scores` has its value by objective, and `kept_because`
    says why the retention in force keeps it. `latest()` leaves these three empty.
    """

    step: int
    epoch: float | None
    file_count: int
    bytes: int
    saved_at: datetime
    metrics: Mapping[str, float]
    tags: tuple[str, ...]
    pinned: Pin | None
    best_of: tuple[str, ...]
    scores: Mapping[str, float]
    kept_because: tuple[str, ...]


@dataclass(frozen=True)
class ListedCheckpoint(Checkpoint):
    """A checkpoint of `list(metadata=True)`. `metadata` is None if the save had none."""

    metadata: Any


@dataclass(frozen=True)
class CheckpointDetails(Checkpoint):
    """A checkpoint with its files and what was saved with it."""

    files: tuple[File, ...]
    metadata: Any
    data_state: Any


@dataclass(frozen=True)
class Dropped:
    """A checkpoint that left the list, and why."""

    step: int
    because: str


@dataclass(frozen=True)
class Saved(Checkpoint):
    """
    A checkpoint that is durable and committed.

    `dropped` left the list to make room, or by the retention. `warnings` are sentences about what the checkpoint does
    not keep of the files. `unchanged_bytes` is the size of the files that were not stored again, because the latest
    checkpoint has them. `duration` is in seconds.
    """

    files: tuple[File, ...]
    unchanged_bytes: int
    dropped: tuple[Dropped, ...]
    warnings: tuple[str, ...]
    duration: float


@dataclass(frozen=True)
class PassedOver:
    """A corrupt checkpoint that a restore with fallback passed over."""

    step: int
    reason: str
    is_quarantined: bool


@dataclass(frozen=True)
class RestoreSource:
    """From which place a checkpoint was restored, of a store and its mirror, and why."""

    place: Literal["store", "mirror"]
    url: str
    why: str


@dataclass(frozen=True)
class Restored(Checkpoint):
    """
    A checkpoint in a folder of this machine. Every byte is verified. `restored["model.pth"]` is the path of a file.

    Without `to`, the folder is temporary: `close()`, the end of a `with` block or the end of the program removes it,
    and nothing else does.
    `source` is None if the store has no mirror.
    """

    files: tuple[File, ...]
    metadata: Any
    data_state: Any
    folder: Path
    passed_over: tuple[PassedOver, ...]
    source: RestoreSource | None
    paths: Mapping[str, Path] = field(repr=False)
    _temporary: TemporaryDirectory[str] | None = field(repr=False, compare=False)

    def __getitem__(self, name: str) -> Path:
        try:
            return self.paths[name]
        except KeyError:
            raise KeyError(f"{name} was not restored. Restored: {', '.join(self.paths) or 'no file'}") from None

    def __enter__(self) -> Restored:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Removes the folder if it is temporary."""
        if self._temporary is not None:
            _open_folders.discard(self._temporary)
            self._temporary.cleanup()


@dataclass(frozen=True)
class MeasuredStep:
    """The metrics of a step, also if its checkpoint was deleted. `listed` says whether it still exists."""

    step: int
    metrics: Mapping[str, float]
    scores: Mapping[str, float]
    listed: bool


@dataclass(frozen=True)
class Quarantined:
    """A corrupt checkpoint that was set aside."""

    step: int
    reason: str
    at: datetime


@dataclass(frozen=True)
class TensorInfo:
    """A tensor of a file, without its numbers. `name` joins the keys that lead to it by dots."""

    name: str
    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class FileTensors:
    """
    The tensors that a file of a checkpoint describes. Nothing of the file is executed.

    A file that is "malformed" says `why`. One that is "unknown" is neither safetensors nor of torch.save.
    """

    file: str
    format: Literal["safetensors", "torch", "malformed", "unknown"]
    tensors: tuple[TensorInfo, ...]
    why: str | None


@dataclass(frozen=True)
class Mirrored:
    """The latest checkpoint that a mirror has."""

    step: int
    saved_at: datetime
    copied_at: datetime


@dataclass(frozen=True)
class MirrorStatus:
    """
    How far a mirror is, as far as the store knows it.

    `waiting` has the size in bytes of each checkpoint that the mirror lacks, by step, the oldest first. `failed` has
    the error of each checkpoint that could not be copied, by step. `error` says why the mirror itself fails, and
    `retry_at` when it is tried again. `state` is None if the store was opened without its mirror and
    no failure is recorded.
    """

    url: str
    state: Literal["idle", "copying", "failing", "fenced"] | None
    error: HoldfastError | None
    retry_at: datetime | None
    newest: Mirrored | None
    waiting: Mapping[int, int]
    failed: Mapping[int, HoldfastError]


Json = Mapping[str, Any]

#: Keeps folders alive: a program may use a path after it has dropped the `Restored`.
_open_folders: set[TemporaryDirectory[str]] = set()


def checkpoint_of(json: Json) -> Checkpoint:
    return Checkpoint(**_facts(json))


def listed_of(json: Json) -> ListedCheckpoint:
    return ListedCheckpoint(**_facts(json), metadata=json.get("metadata"))


def details_of(json: Json) -> CheckpointDetails:
    return CheckpointDetails(
        **_facts(json),
        files=_files(json),
        metadata=json.get("metadata"),
        data_state=json.get("dataState"),
    )


def saved_of(json: Json | None) -> Saved:
    """Raises Unavailable if the helper skipped the save, as `background.atLimit: "skip"` of the configuration asks."""
    if json is None:
        raise Unavailable("The save was skipped, because another background save still runs. Save again later.")
    return Saved(
        **_facts(json),
        files=_files(json),
        unchanged_bytes=json["unchangedBytes"],
        dropped=tuple(dropped_of(each) for each in json["dropped"]),
        warnings=tuple(json["warnings"]),
        duration=json["duration"] / 1000,
    )


def restored_of(json: Json, folder: Path, temporary: TemporaryDirectory[str] | None) -> Restored:
    if temporary is not None:
        _open_folders.add(temporary)
    return Restored(
        **_facts(json),
        files=_files(json),
        metadata=json.get("metadata"),
        data_state=json.get("dataState"),
        folder=folder,
        passed_over=tuple(
            PassedOver(each["step"], each["reason"], each["quarantined"]["kind"] == "recorded")
            for each in json["passedOver"]
        ),
        source=_source(json.get("source")),
        paths={each["name"]: Path(each["path"]) for each in json["restored"]},
        _temporary=temporary,
    )


def measured_of(json: Json) -> MeasuredStep:
    return MeasuredStep(json["step"], numbers(json["metrics"]), numbers(json["scores"]), json["listed"])


def quarantined_of(json: Json) -> Quarantined:
    return Quarantined(json["step"], json["reason"], time_of(json["at"]))


def tensors_of(json: Json) -> FileTensors:
    tensors = tuple(TensorInfo(each["name"], each["type"], tuple(each["shape"])) for each in json.get("tensors", ()))
    return FileTensors(json["file"], json["format"], tensors, json.get("why"))


def mirror_status_of(json: Json) -> MirrorStatus:
    error, retry_at, newest = json.get("error"), json.get("retryAt"), json.get("newest")
    return MirrorStatus(
        url=json["url"],
        state=json.get("state"),
        error=None if error is None else error_from(error),
        retry_at=None if retry_at is None else time_of(retry_at),
        newest=None
        if newest is None
        else Mirrored(newest["step"], time_of(newest["savedAt"]), time_of(newest["copiedAt"])),
        waiting={each["step"]: each["bytes"] for each in json["waiting"]},
        failed={each["step"]: error_from(each["error"]) for each in json["failed"]},
    )


def dropped_of(json: Json) -> Dropped:
    return Dropped(json["step"], json["because"])


def attached_of(json: Json) -> Json:
    checkpoint = json.get("checkpoint")
    if checkpoint is None:
        return json
    members = {name: numbers(checkpoint[name]) for name in ("metrics", "scores") if name in checkpoint}
    return {**json, "checkpoint": {**checkpoint, **members}}


def event_of(json: Json) -> Json:
    """The member `value` of an event is a number."""
    return {**json, "value": number(json["value"])} if "value" in json else json


def numbers(json: Json) -> dict[str, float]:
    return {name: number(value) for name, value in json.items()}


def number(value: float | str) -> float:
    """JSON has no NaN and no infinities, so the helper writes them as text."""
    return float(value) if isinstance(value, str) else value


def sent_number(value: float) -> float | str:
    """The reverse of `number`."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def _facts(json: Json) -> dict[str, Any]:
    pinned = json.get("pinned")
    return {
        "step": json["step"],
        "epoch": json.get("epoch"),
        "file_count": json["fileCount"],
        "bytes": json["bytes"],
        "saved_at": time_of(json["savedAt"]),
        "metrics": numbers(json["metrics"]),
        "tags": tuple(json["tags"]),
        "pinned": None if pinned is None else Pin(time_of(pinned["at"]), pinned.get("reason")),
        "best_of": tuple(json.get("bestOf", ())),
        "scores": numbers(json.get("scores", {})),
        "kept_because": tuple(json.get("keptBecause", ())),
    }


def _source(json: Json | None) -> RestoreSource | None:
    return None if json is None else RestoreSource(json["from"], json["url"], json["why"])


def _files(json: Json) -> tuple[File, ...]:
    return tuple(File(each["name"], each["size"], each["sha256"], each["key"]) for each in json["files"])
