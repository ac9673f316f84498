"""Compares the weights of two checkpoints, file by file: compare-weights.py ONE OTHER. Exits with 1 if they differ."""

import sys

import torch
from safetensors.torch import load_file


def weights(path):
    if path.endswith(".safetensors"):
        return load_file(path)
    state = torch.load(path, weights_only=False)
    return state.get("model") or state["state_dict"]


one, other = weights(sys.argv[1]), weights(sys.argv[2])
assert len(one) > 0
assert one.keys() == other.keys()
for name in one:
    if not torch.equal(one[name], other[name]):
        sys.exit(f"{name} differs by {(one[name] - other[name]).abs().max()}")
