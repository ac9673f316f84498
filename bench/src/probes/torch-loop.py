"""Multiplies matrices on all cores until standard input ends. Answers each line with the number of products so far."""

import sys
import threading

import torch

torch.set_num_threads(int(sys.argv[1]))
size = int(sys.argv[2])
one, other, product = (torch.rand(size, size) for _ in range(3))
steps = 0


def answer() -> None:
    for _ in sys.stdin:
        print(steps, flush=True)


torch.mm(one, other, out=product)
answering = threading.Thread(target=answer)
answering.start()
while answering.is_alive():
    torch.mm(one, other, out=product)
    steps += 1
