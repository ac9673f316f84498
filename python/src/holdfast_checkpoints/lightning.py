"""Keeps the checkpoints of a Lightning trainer in a store."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from lightning.fabric.plugins.io.checkpoint_io import CheckpointIO

from ._contents import Path as AnyPath
from ._store import Choice, Store
from .errors import InvalidArgument, NotFound

#: The name of the only file of a checkpoint.
FILE = "checkpoint.ckpt"

#: A path for `ckpt_path` begins with it: "holdfast:latest", "holdfast:best:loss", "holdfast:1200".
SCHEME = "holdfast:"

#: A marker is smaller. A checkpoint is larger.
_MARKER_BYTES = 4096

#: A checksum of each tensor of a model, by its name.
_Checksums = tuple[tuple[str, object], ...]

#: The integer type of each size in bytes.
_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}

#: How many numbers are summed at once, since a sum converts them to integers of 8 bytes first.
_SUMMED_AT_ONCE = 2**22

#: Lightning names a checkpoint so if Slurm will run the job again.
_REQUEUED = "hpc_ckpt_"


class HoldfastIO(CheckpointIO):
    """
    Saves each checkpoint of a trainer in a store, and loads it from there:

        store = holdfast.open("s3://bucket/runs/a", keep_last=3)
        trainer = Trainer(plugins=[HoldfastIO(store)], callbacks=[ModelCheckpoint("out", save_last=True)])
        trainer.fit(model, ckpt_path="last")

    Where Lightning expects a file, it gets a marker of a hundred bytes that names the step in the store. So "last" and
    "best" of Lightning work, and on a new machine, too: there the markers are written again when this object is made.
    `ckpt_path` may also name a checkpoint of the store: "holdfast:latest", "holdfast:best" or "holdfast:1200".

    The store's retention alone decides which checkpoints are kept. If Lightning removes one, only its marker goes.
    What `monitor` of a ModelCheckpoint watches becomes a metric. `AsyncCheckpointIO(HoldfastIO(store))` saves in the
    background.

    With several ranks (DDP), the first one saves and all load. A model that is sharded over the ranks is saved with
    `holdfast_checkpoints.dcp`. Raises InvalidArgument for a store with `ranks`, since only one of them would save.
    """

    def __init__(self, store: Store) -> None:
        if store.ranks is not None:
            raise InvalidArgument(
                "Lightning saves on its first rank only, so a store with ranks would wait for the others. Open the "
                "store without ranks. A model that is sharded over the ranks is saved with holdfast_checkpoints.dcp."
            )
        self._store = store
        #: The last step that this process saved, and the checksums of its model.
        self._saved: tuple[int, _Checksums] | None = None
        #: The step of a job that Slurm ran again. It is pinned until the next save.
        self._requeued: int | None = None
        self._write_missing_markers()

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: AnyPath, storage_options: Mapping[str, Any] | None = None
    ) -> None:
        """
        Saves a checkpoint as its global step. `storage_options` may have `metrics`.

        Lightning saves a step more than once, under different names. The same model is stored once. Replaces a step
        that was saved with other weights, for example by another trainer, or before the trainer went back to an earlier
        step. Raises what `Store.save` raises.
        """
        step = int(checkpoint["global_step"])
        saved = (step, _checksums(checkpoint.get("state_dict", {})))
        if saved != self._saved:
            metrics = {**_monitored(checkpoint, os.fspath(path)), **(storage_options or {}).get("metrics", {})}
            self._store.save(
                step,
                {FILE: lambda file: torch.save(checkpoint, file)},
                epoch=checkpoint.get("epoch"),
                metrics=metrics,
                metadata={"lightning": {"path": _portable(path)}},
                on_existing="replace",
                allow_best=True,
            )
            self._saved = saved
        if self._requeued is not None and self._requeued != step:
            self._store.unpin(self._requeued)
            self._requeued = None
        if Path(path).name.startswith(_REQUEUED):
            self._store.pin(step, "saved for Slurm, which runs the job again")
        _write_marker(Path(path), step)

    def load_checkpoint(
        self, path: AnyPath, map_location: Any = None, weights_only: bool | None = None
    ) -> dict[str, Any]:
        """Loads a checkpoint of the store, or a file that Lightning wrote before. Raises NotFound and Corrupt."""
        choice = _choice(path)
        where = map_location or (lambda storage, _: storage)
        if choice is None:
            return _loaded(path, where, weights_only)
        restored = self._store.restore(choice, files=[FILE], fallback=choice == "latest")
        if restored is None:
            raise NotFound(f"The store {self._store.url} has no checkpoint for {os.fspath(path)}.")
        with restored:
            if Path(path).name.startswith(_REQUEUED):
                self._requeued = restored.step
            return _loaded(restored[FILE], where, weights_only)

    def remove_checkpoint(self, path: AnyPath) -> None:
        """Removes the marker of a checkpoint, or a file that Lightning wrote before. The store keeps the checkpoint."""
        target = Path(path)
        if target.is_dir() and not target.is_symlink():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)

    def _write_missing_markers(self) -> None:
        """Writes the markers that this machine lacks, so that Lightning finds the checkpoints of the store."""
        latest = self._store.latest()
        for checkpoint in self._store.list(metadata=True):
            metadata = checkpoint.metadata
            saved = metadata.get("lightning") if isinstance(metadata, dict) else None
            if not isinstance(saved, dict) or "path" not in saved:
                continue
            path = Path(saved["path"])
            if not path.exists():
                _write_marker(path, checkpoint.step)
            last = path.with_name("last.ckpt")
            # A program that was killed after a save has left the marker of the save before, which may be gone.
            if (
                latest is not None
                and latest.step == checkpoint.step
                and (not last.exists() or _choice(last) is not None)
            ):
                _write_marker(last, checkpoint.step)


def _monitored(checkpoint: Mapping[str, Any], path: str) -> dict[str, float]:
    """Returns the metrics for which callbacks save this file. Their `current_score` may be of an earlier step."""
    metrics: dict[str, float] = {}
    for state in checkpoint.get("callbacks", {}).values():
        monitor = state.get("monitor") if isinstance(state, dict) else None
        if isinstance(monitor, str) and path in state.get("best_k_models", {}):
            metrics[monitor] = float(state["best_k_models"][path])
    return metrics


def _checksums(state: Mapping[str, Any]) -> _Checksums:
    """Returns a sum of the bits of each tensor. Takes little time beside a save, and 32 MiB of a GPU."""
    return tuple((name, _checksum(each)) for name, each in state.items() if isinstance(each, torch.Tensor))


def _checksum(tensor: torch.Tensor) -> object:
    is_plain = type(tensor) in (torch.Tensor, torch.nn.Parameter) and tensor.layout is torch.strided
    if not is_plain or tensor.is_quantized or tensor.is_meta:
        return object()  # differs from everything, so the step is saved again
    try:
        return _sum_of_bits(tensor.detach())
    except RuntimeError:  # the device lacks memory or 64-bit integers, which must not fail the save
        return object()


def _sum_of_bits(tensor: torch.Tensor) -> int:
    plain = tensor.resolve_conj().resolve_neg()
    numbers = torch.view_as_real(plain) if plain.is_complex() else plain
    bits = numbers.reshape(-1).contiguous().view(_INTEGERS[numbers.element_size()])
    parts: Sequence[torch.Tensor] = torch.split(bits, _SUMMED_AT_ONCE)
    return sum(int(part.sum(dtype=torch.int64)) for part in parts)


def _portable(path: AnyPath) -> str:
    """A path below the working folder as a relative one, since another machine has other folders."""
    absolute = os.path.abspath(path)
    relative = os.path.relpath(absolute)
    return absolute if relative.startswith(os.pardir) else relative


def _write_marker(path: Path, step: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps({"holdfast": "The checkpoint is in the store.", "step": step}))
    os.replace(temporary, path)


def _choice(path: AnyPath) -> Choice | None:
    """Returns what a path names in the store. None if it is another file."""
    text = os.fspath(path)
    if text.startswith(SCHEME):
        chosen = text.removeprefix(SCHEME)
        return int(chosen) if chosen.isdigit() else chosen
    file = Path(path)
    if not file.is_file() or file.stat().st_size > _MARKER_BYTES:
        return None
    try:
        marker = json.loads(file.read_bytes())
    except ValueError:
        return None
    return marker["step"] if isinstance(marker, dict) and "holdfast" in marker else None


def _loaded(path: AnyPath, map_location: Any, weights_only: bool | None) -> dict[str, Any]:
    return cast(dict[str, Any], torch.load(path, map_location=map_location, weights_only=weights_only))
