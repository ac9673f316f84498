"""Trains a small model with Lightning. It knows nothing of Holdfast.

    python lightning_trainer.py out
    holdfast run --watch out -- python lightning_trainer.py out
"""

import argparse
import pathlib
import re
import time

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

parser = argparse.ArgumentParser()
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--save-every", type=int, default=10)
parser.add_argument("--pause", type=float, default=0, help="seconds that each step takes longer")
options = parser.parse_args()


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1)
        )

    def training_step(self, batch, index):
        time.sleep(options.pause)
        inputs, targets = batch
        return torch.nn.functional.mse_loss(self.layers(inputs), targets)

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-3)


def step_of(path):
    return int(re.search(r"step=(\d+)", path.name)[1])


torch.set_num_threads(1)
torch.manual_seed(0)
# Every step sees all the data, so the order of the data is no part of the state.
inputs = torch.randn(256, 16)
data = torch.utils.data.TensorDataset(inputs, inputs.sin().sum(dim=1, keepdim=True))
loader = torch.utils.data.DataLoader(data, batch_size=len(data))
checkpoints = ModelCheckpoint(
    dirpath=options.out,
    filename="{epoch}-{step}",
    monitor="step",
    mode="max",
    save_top_k=3,
    every_n_train_steps=options.save_every,
)
trainer = lightning.Trainer(
    accelerator="cpu",
    max_steps=options.steps,
    callbacks=[checkpoints],
    logger=False,
    enable_progress_bar=False,
    enable_model_summary=False,
)
last = max(options.out.glob("*.ckpt"), key=step_of, default=None)
print(f"training from {last}", flush=True)
trainer.fit(Model(), loader, ckpt_path=last, weights_only=False)
