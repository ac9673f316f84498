"""
Computes every test vector from the text of docs/data.md, independently of the TypeScript code.

Reads the vectors on standard input, replaces all results by its own, and prints the document.
"""

import hashlib
import itertools
import json
import struct
import sys

from holdfast_checkpoints.order import hash32, permutation

MASK = 0xFFFFFFFF


def fraction(first, second):
    return ((first >> 5) * 2**26 + (second >> 6)) / 2**53


def draw(case, position):
    key = case["seed"], case["epoch"], position
    f = fraction(hash32(16, *key), hash32(17, *key))
    if "weights" not in case:
        return int(f * case["samples"])
    sums = list(itertools.accumulate(case["weights"]))
    return next(sample for sample, total in enumerate(sums) if total > f * sums[-1])


def generator_state(purpose, numbers):
    first, *others = (hash32(purpose + word, *numbers) for word in range(4))
    return [first | 1, *others]


def rotated(word, bits):
    return (word << bits | word >> 32 - bits) & MASK


def uint32(s):
    """Changes the state `s` in place."""
    drawn = rotated(s[1] * 5 & MASK, 7) * 9 & MASK
    shifted = s[1] << 9 & MASK
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= shifted
    s[3] = rotated(s[3], 11)
    return drawn


def fill_generator(case, purpose, numbers):
    case["state"] = generator_state(purpose, numbers)
    words = list(case["state"])
    case["uint32"] = [uint32(words) for _ in case["uint32"]]
    if "after" in case:
        case["after"] = words
    words = list(case["state"])
    case["next"] = [fraction(uint32(words), uint32(words)) for _ in case["next"]]


vectors = json.load(sys.stdin)
for case in vectors["permutation"]:
    at = permutation(case["size"], case["seed"], case["epoch"])
    case["samples"] = [at(position) for position in case["positions"]]
for case in vectors["draws"]:
    case["drawn"] = [draw(case, position) for position in case["positions"]]
    if "weights" in case:
        packed = struct.pack(f"<{len(case['weights'])}d", *case["weights"])
        case["weightsSha256"] = hashlib.sha256(packed).hexdigest()
for case in vectors["random"]:
    fill_generator(case, 48, case["seeds"])
for case in vectors["randomOfSample"]:
    fill_generator(case, 32, [case["seed"], case["epoch"], case["position"]])
print(json.dumps(vectors))
