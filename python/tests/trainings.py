"""
Trainings that tests kill: `python trainings.py lightning|huggingface LOCATION OUT STEPS`.

The learning rates are constant, so the weights after a step do not depend on STEPS. Lightning trains whole epochs of 4
steps.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import torch
from conftest import open_store

#: Seconds that each step takes longer, so that a kill can hit between two saves.
PAUSE = 0.02


def lightning(location: str, out: Path, steps: int) -> dict[str, Any]:
    from test_lightning import BATCHES, HoldfastIO, Model, loader, trainer

    class Slow(Model):
        def training_step(self, batch: Any, index: int) -> Any:
            time.sleep(PAUSE)
            return super().training_step(batch, index)

    torch.manual_seed(1)
    model = Slow()
    model.layers[1] = torch.nn.Identity()  # Lightning restores no generator, so dropout would differ
    with open_store(location, objectives={"loss": ("val_loss", "min")}, keep_last=1) as store:
        report_helper(store)
        trainer(steps // BATCHES, out, HoldfastIO(store)).fit(model, loader(), loader(), ckpt_path="last")
    return model.state_dict()


def huggingface(location: str, out: Path, steps: int) -> dict[str, Any]:
    from test_huggingface import resume_from_checkpoint, trainer, transformers

    class Pause(transformers.TrainerCallback):  # type: ignore[misc, name-defined]
        def on_step_end(self, *_: Any, **__: Any) -> None:
            time.sleep(PAUSE)

    with open_store(location, objectives={"loss": ("eval_loss", "min")}, keep_last=1) as store:
        report_helper(store)
        training = trainer(steps, out, store, save_total_limit=1)
        training.add_callback(Pause())
        training.train(resume_from_checkpoint=resume_from_checkpoint(store, out))
        return dict(training.model.state_dict())


def report_helper(store: Any) -> None:
    """Prints the process of the helper for the test."""
    print(store._helper.pid, flush=True)


if __name__ == "__main__":
    name, location, out, steps = sys.argv[1:]
    weights = {"lightning": lightning, "huggingface": huggingface}[name](location, Path(out), int(steps))
    torch.save(weights, Path(out, "weights.pt"))
