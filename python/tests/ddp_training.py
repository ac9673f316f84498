"""Trains with Lightning on two ranks of DDP: `python ddp_training.py LOCATION OUT EPOCHS` starts itself again."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch
from conftest import open_store
from test_lightning import HoldfastIO, Model, loader, trainer

if __name__ == "__main__":
    location, out, epochs = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    torch.manual_seed(1)
    model = Model()
    model.layers[1] = torch.nn.Identity()  # Lightning restores no generator, so dropout would differ
    with open_store(location) as store:
        training = trainer(epochs, out, HoldfastIO(store), devices=2, strategy="ddp")
        training.fit(model, loader(), loader(), ckpt_path="last")
    rank = int(os.environ.get("LOCAL_RANK", "0"))
    torch.save(model.state_dict(), out.with_name(f"{out.name}-{rank}.pt"))
