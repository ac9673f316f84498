"""Trains a small model with plain PyTorch. It knows nothing of Holdfast.

It saves the whole state every few steps, keeps the last three files, and continues from the newest one:

    python plain_torch.py out
    holdfast run --watch out -- python plain_torch.py out
"""

import argparse
import pathlib
import time

import torch

parser = argparse.ArgumentParser()
parser.add_argument("out", type=pathlib.Path)
parser.add_argument("--steps", type=int, default=200)
parser.add_argument("--save-every", type=int, default=10)
parser.add_argument("--pause", type=float, default=0, help="seconds that each step takes longer")
options = parser.parse_args()


def number(path):
    return int(path.stem.split("_")[1])


torch.set_num_threads(1)
torch.manual_seed(0)
inputs = torch.randn(256, 16)
targets = inputs.sin().sum(dim=1, keepdim=True)
model = torch.nn.Sequential(
    torch.nn.Linear(16, 64), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(64, 1)
)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
step = 0

options.out.mkdir(parents=True, exist_ok=True)
found = sorted(options.out.glob("checkpoint_*.pth"), key=number)
if found:
    state = torch.load(found[-1], weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"])
    step = state["step"]
print(f"training from step {step}", flush=True)

while step < options.steps:
    batch = torch.randint(len(inputs), (32,))
    loss = torch.nn.functional.mse_loss(model(inputs[batch]), targets[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    step += 1
    time.sleep(options.pause)
    if step % options.save_every == 0:
        state = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "random": torch.get_rng_state(),
            "step": step,
        }
        torch.save(state, options.out / f"checkpoint_{step}.pth")
        for old in sorted(options.out.glob("checkpoint_*.pth"), key=number)[:-3]:
            old.unlink()
