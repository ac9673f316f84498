"""Keeps the checkpoints of a Hugging Face trainer in a store."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import Any

from accelerate import PartialState
from accelerate.utils import DistributedType, broadcast_object_list, gather_object
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import PREFIX_CHECKPOINT_DIR

from ._contents import Path as AnyPath
from ._store import Choice, Store
from .errors import InvalidArgument, NotFound

log = logging.getLogger("holdfast_checkpoints")

_STATE = "trainer_state.json"


class Callback(TrainerCallback):
    """
    Saves each checkpoint folder of a trainer in a store, as soon as all ranks have written their files of it:

        trainer = Trainer(..., callbacks=[Callback(store)])
        trainer.train(resume_from_checkpoint=resume_from_checkpoint(store, args.output_dir))

    The last evaluation at the step gives the metrics. The store's retention decides what it keeps, and
    `save_total_limit` what the trainer keeps in its folder. Raises InvalidArgument for a store with `ranks`, since only
    one of them would save.

    With several ranks, the first one saves, and waits for the others before. So every rank needs the callback, and all
    ranks must save at the same steps, also if another callback sets `control.should_save`.
    """

    def __init__(self, store: Store) -> None:
        if store.ranks is not None:
            raise InvalidArgument(
                "The callback saves on the first rank only, so a store with ranks would wait for the others. Open the "
                "store without ranks."
            )
        self._store = store

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any) -> None:
        # The trainer calls this on the first rank while others may still write the states of their generators.
        log.debug("waits for all ranks at step %d", state.global_step)
        PartialState().wait_for_everyone()
        if not state.is_world_process_zero:
            return
        step = state.global_step
        folder = Path(str(args.output_dir)) / f"{PREFIX_CHECKPOINT_DIR}-{step}"
        self._store.save(
            step,
            {str(file.relative_to(folder).as_posix()): file for file in sorted(folder.rglob("*")) if file.is_file()},
            epoch=state.epoch,
            metrics=_metrics(state),
            on_existing="replace",
            allow_best=True,
        )


def resume_from_checkpoint(store: Store, output_dir: AnyPath, choice: Choice = "latest") -> str | None:
    """
    Restores a checkpoint of the store to where the trainer looks for it, and returns its folder. None on a fresh run.

    Also restores the best checkpoint that the trainer remembers, which `load_best_model_at_end` loads. A corrupt latest
    checkpoint is set aside, and the next older good one is restored. With several ranks, every rank calls this. The
    first rank restores. If another machine has an `output_dir` of its own, its first local rank restores there. Raises
    what `Store.restore` raises, on every rank.
    """
    out = Path(output_dir)
    ranks = PartialState()
    if ranks.num_processes == 1:
        return _folder(out, _restore(store, out, choice))
    step: int | None = None
    error: Exception | None = None
    mark = out / f".holdfast-{uuid.uuid4().hex}"
    try:
        if ranks.is_main_process:
            try:
                step = _restore(store, out, choice)
                out.mkdir(parents=True, exist_ok=True)
                mark.touch()
            except Exception as failure:
                error = failure
        step, name, error = broadcast_object_list([step, mark.name, error])
        if error is not None:
            raise error
        with ranks.local_main_process_first():
            if step is not None and ranks.is_local_main_process and not (out / name).exists():
                try:
                    _restore(store, out, step)
                except Exception as failure:
                    error = failure
    finally:
        if ranks.is_main_process:
            mark.unlink(missing_ok=True)
    _raise_on_all_ranks(ranks, error)
    return _folder(out, step)


def _raise_on_all_ranks(ranks: PartialState, error: Exception | None) -> None:
    """Raises the error of any rank on every rank, since the others would wait for it."""
    is_tpu = ranks.distributed_type == DistributedType.XLA  # there accelerate cannot gather objects
    for each in [error] if is_tpu else [error, *gather_object([error])]:
        if each is not None:
            raise each


def _folder(out: Path, step: int | None) -> str | None:
    return None if step is None else str(out / f"{PREFIX_CHECKPOINT_DIR}-{step}")


def _restore(store: Store, out: Path, choice: Choice) -> int | None:
    """Restores a checkpoint, and the best one that it names. Returns its step."""
    restored = store.restore(choice, out / f".{PREFIX_CHECKPOINT_DIR}", fallback=choice == "latest", exact=True)
    if restored is None:
        return None
    folder = out / f"{PREFIX_CHECKPOINT_DIR}-{restored.step}"
    _move(restored.folder, folder)
    _restore_best(store, folder)
    return restored.step


def _restore_best(store: Store, folder: Path) -> None:
    """Restores the checkpoint that the trainer knows as the best, if the store still has it."""
    state_file = folder / _STATE
    if not state_file.exists():
        return
    state = json.loads(state_file.read_bytes())
    step = state.get("best_global_step") or _step_of(state.get("best_model_checkpoint"))
    if not step:
        return
    best = folder.with_name(f"{PREFIX_CHECKPOINT_DIR}-{step}")
    if best.exists():
        return
    try:
        restored = store.restore(int(step), folder.with_name(f".{PREFIX_CHECKPOINT_DIR}"), exact=True)
    except NotFound:
        return  # the retention has dropped it
    if restored is not None:
        _move(restored.folder, best)


def _step_of(path: str | None) -> int | None:
    found = re.search(r"-(\d+)/?$", path or "")
    return int(found[1]) if found is not None else None


def _move(restored: Path, folder: Path) -> None:
    """Gives a restored folder its name. The trainer must never see a part of it."""
    if folder.exists():
        shutil.rmtree(folder)
    os.replace(restored, folder)


def _metrics(state: TrainerState) -> dict[str, float]:
    """Returns the numbers that the trainer has logged at this step."""
    numbers: dict[str, float] = {}
    for entry in state.log_history:
        if entry.get("step") == state.global_step:
            numbers.update({name: float(value) for name, value in entry.items() if _is_metric(name, value)})
    return numbers


def _is_metric(name: str, value: Any) -> bool:
    return name not in ("step", "epoch") and isinstance(value, (int, float)) and not isinstance(value, bool)
