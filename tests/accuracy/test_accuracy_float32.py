"""float32 results: at most 1 ULP for targets 0 and 1 without weights, on every finite logit; at most 2 ULP else."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest
from accuracy_report.float32 import FLOAT32_MAGNITUDES, hard_float32, special_float32
from accuracy_report.operands import Options
from accuracy_report.rows import Row
from accuracy_report.sweeps import OPTIONS, climbing, float32_from_16_bits, random_operands

Check = Callable[[Iterable[Row]], None]
Scale = Callable[[int], int]

# Where a method, a format or a limit changes: results that turn subnormal, exp that underflows, all of the loss being
# |x|, halves of an ulp of 1, and the ends of the finite numbers.
EDGES = [1e-45, 1.1754944e-38, 2.0**-25, 2.0**-24, 2.0**-13, 0.34657359, 0.5, 0.6931472, 0.8813736, 1.0, 1.0397208]
EDGES += [1.2656116, 9.01, 14.557, 15.95, 16.635532, 17.328679, 33.27, 63.9, 64.0, 69.31, 79.9, 80.0, 80.1, 83.18]
EDGES += [
    87.33654,
    87.69,
    88.02969,
    88.72284,
    89.41598,
    103.27893,
    103.97208,
    104.0,
    127.9,
    128.0,
    745.13,
    3.4028235e38,
]


def test_targets_0_and_1_at_every_nth_logit(assert_within_contract: Check, scaled: Scale) -> None:
    # A step that is odd meets every pattern of low bits.
    step = FLOAT32_MAGNITUDES // scaled(12_000_000) | 1
    assert_within_contract(hard_float32(0, FLOAT32_MAGNITUDES, step))


def test_targets_0_and_1_around_edges(assert_within_contract: Check, scaled: Scale) -> None:
    width = scaled(20_000)
    rows: list[Row] = []
    for edge in EDGES:
        middle = int(np.float32(edge).view(np.uint32))
        rows += hard_float32(max(0, middle - width), min(FLOAT32_MAGNITUDES, middle + width))
    assert_within_contract(rows)


def test_targets_0_and_1_in_every_binade(assert_within_contract: Check, scaled: Scale) -> None:
    width = scaled(2_000) // 2
    rows: list[Row] = []
    for start in range(0, FLOAT32_MAGNITUDES, 1 << 23):
        rows += hard_float32(max(0, start - width), start + width)
    assert_within_contract(rows)


def test_infinite_logits_and_nan(assert_within_contract: Check, scaled: Scale) -> None:
    rows = special_float32(FLOAT32_MAGNITUDES, FLOAT32_MAGNITUDES + 100)
    rows += special_float32(FLOAT32_MAGNITUDES, 1 << 31, (1 << 23) // scaled(200_000) | 1)
    assert_within_contract(rows)


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options.title)
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_random_operands(soft: bool, options: Options, assert_within_contract: Check, scaled: Scale) -> None:
    assert_within_contract(random_operands("f32", soft, 1, scaled(500_000), (options,)))


@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_climbing_to_the_worst_operands(soft: bool, assert_within_contract: Check, scaled: Scale) -> None:
    assert_within_contract(climbing("f32", soft, 2, 509, max(5, scaled(5_000) // 50)))


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_float32_results_of_16_bit_logits(dtype: str, assert_within_contract: Check) -> None:
    assert_within_contract(float32_from_16_bits(dtype))


# The bit pattern of 1024, far above which loss and gradient are |x|, 0 or 1.
FAR = 0x44800000


@pytest.mark.exhaustive
@pytest.mark.parametrize("part", range(8))
def test_targets_0_and_1_at_every_logit_below_1024(part: int, assert_within_contract: Check) -> None:
    rows = hard_float32(FAR // 8 * part, FAR // 8 * (part + 1))
    assert_within_contract(rows)
    assert rows[0].points >= 4 * (FAR // 8)  # both signs, both targets


@pytest.mark.exhaustive
def test_targets_0_and_1_above_1024(assert_within_contract: Check) -> None:
    assert_within_contract(hard_float32(FAR, FLOAT32_MAGNITUDES, 17))
    assert_within_contract(special_float32(FLOAT32_MAGNITUDES, 1 << 31))


@pytest.mark.exhaustive
@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize("soft", [False, True], ids=["hard", "soft"])
def test_more_random_operands(soft: bool, seed: int, assert_within_contract: Check) -> None:
    assert_within_contract(random_operands("f32", soft, seed, 2_000_000))
    assert_within_contract(climbing("f32", soft, seed, 1021, 300))
