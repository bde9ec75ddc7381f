"""What a run consists of: three parts, each of tasks for processes of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import TypeAlias

from accuracy_report.contenders import PEERS
from accuracy_report.float32 import FLOAT32_MAGNITUDES, hard_float32, special_float32
from accuracy_report.peers import compare_16_bits, compare_float64
from accuracy_report.rows import Row
from accuracy_report.sweeps import (
    OPTIONS,
    climbing,
    every_16_bit_logit,
    float32_from_16_bits,
    hard_float64,
    random_operands,
)


@dataclass(frozen=True)
class Effort:
    """How much of each task."""

    name: str
    float32_step: int  # of the bit patterns of float32 logits, targets 0 and 1; 1: all of them
    shares: int  # in how many tasks
    draws: int  # how many times random operands are drawn
    float32: int  # random operands of each class
    float64: int
    climbs: int
    generations: int
    float64_population: int
    float64_generations: int
    float64_peers: int


QUICK = Effort("quick", 127, 4, 1, 1_000_000, 8_000, 2, 100, 80, 20, 4_000)
FULL = Effort("full", 1, 64, 24, 1_000_000, 10_000, 6, 400, 300, 60, 40_000)

# A function with its arguments.
Task: TypeAlias = partial[list[Row]]
_SPECIAL_END = 1 << 31


def _random(dtype: str, size: int, draws: int) -> Iterator[Task]:
    for soft, seed in product((False, True), range(draws)):
        # Hard targets and nothing else: all of them are visited.
        yield partial(random_operands, dtype, soft, seed, size, OPTIONS if soft else OPTIONS[1:])


def _float32(effort: Effort, peers: tuple[str, ...]) -> Iterator[Task]:
    share = -(-FLOAT32_MAGNITUDES // effort.shares)
    for start in range(0, FLOAT32_MAGNITUDES, share):
        yield partial(hard_float32, start, min(FLOAT32_MAGNITUDES, start + share), effort.float32_step, peers)
    yield partial(special_float32, FLOAT32_MAGNITUDES, _SPECIAL_END, effort.float32_step)
    yield from _random("f32", effort.float32, effort.draws)
    for soft, seed in product((False, True), range(effort.climbs)):
        yield partial(climbing, "f32", soft, seed, 1021, effort.generations)


def _16_bits(effort: Effort, peers: tuple[str, ...]) -> Iterator[Task]:
    for dtype in ("f16", "bf16"):
        yield partial(every_16_bit_logit, dtype)
        yield partial(float32_from_16_bits, dtype)
        for soft in (False, True):
            yield partial(random_operands, dtype, soft, 0, 100_000, OPTIONS[1:])
        if peers:
            yield partial(compare_16_bits, dtype, peers)


def _float64(effort: Effort, peers: tuple[str, ...]) -> Iterator[Task]:
    for seed in range(effort.draws):
        yield partial(hard_float64, seed, 2 * effort.float64)
    yield from _random("f64", effort.float64, effort.draws)
    for soft, seed in product((False, True), range(effort.climbs)):
        yield partial(climbing, "f64", soft, seed, effort.float64_population, effort.float64_generations)
    if peers:
        yield partial(compare_float64, effort.float64_peers, peers)


PARTS: dict[str, Callable[[Effort, tuple[str, ...]], Iterator[Task]]] = {
    "float32": _float32,
    "16-bit": _16_bits,
    "float64": _float64,
}


def tasks(part: str, effort: Effort, peers: tuple[str, ...] = PEERS) -> list[Task]:
    """The tasks of one part."""
    return list(PARTS[part](effort, peers))
