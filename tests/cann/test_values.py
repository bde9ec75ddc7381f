"""Results: the documented samples, and the bits of the NumPy functions for every dtype, layout and shape."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import operands
import oracle
import pytest
from binding import (
    BACKWARD,
    HWCN,
    LOSS,
    NAMES,
    NC,
    NCDHW,
    NCHW,
    NCL,
    ND,
    NDHWC,
    NHWC,
    PARAMETERS,
    TARGET_BACKWARD,
    Acl,
    Array,
)
from calls import SUPPORTED, assert_same_bits, both, numpy_name, operands_of, result_shape
from oracle import DTYPES

import bcelogits

# ---- samples of the documents ----------------------------------------------------------------------------------


def test_the_documented_sample_of_the_loss(acl: Acl) -> None:
    x = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.3, 0.4, 0.4], np.float32).reshape(4, 2)
    t = np.array([0.2, 0.2, 0.1, 0.1, 0.2, 0.2, 0.1, 0.1], np.float32).reshape(4, 2)
    half = np.full((4, 2), 0.5, np.float32)
    out = np.zeros((4, 2), np.float32)
    arrays = {"self": x, "target": t, "weightOptional": half, "posWeightOptional": half, "out": out}
    operands.run(acl, LOSS, 0, arrays, plain=True)
    known = [0.3299785, 0.3299785, 0.3741160, 0.3741160, 0.3694599, 0.3694599, 0.4236822, 0.4236822]
    np.testing.assert_array_equal(np.round(out.ravel().astype(np.float64), 7), known)
    kwargs = {"logits": x, "targets": t, "weight": half, "pos_weight": half}
    oracle.assert_within_contract(oracle.LOSS, kwargs, out)


@pytest.mark.parametrize(
    ("op", "known"),
    [
        (BACKWARD, [0, 0.6310586, 3.0755071, 7.5878006]),
        (TARGET_BACKWARD, [0, -1, -7.4922880, -26.1254277]),
    ],
)
def test_the_documented_samples_of_the_gradients(op: str, known: list[float], acl: Acl) -> None:
    ramp = np.arange(4, dtype=np.float32).reshape(2, 2)
    t, out = np.full((2, 2), 0.1, np.float32), np.zeros((2, 2), np.float32)
    arrays = {"gradOutput": ramp, "self": ramp, "target": t, "weightOptional": ramp, "posWeightOptional": ramp}
    operands.run(acl, op, 0, arrays | {PARAMETERS[op][-1]: out}, plain=True)
    np.testing.assert_allclose(out.ravel(), known, rtol=1e-6, atol=0)
    kwargs = {"grad_output": ramp, "logits": ramp, "targets": t, "weight": ramp, "pos_weight": ramp}
    oracle.assert_within_contract(numpy_name(op), kwargs | {"reduction": "none"}, out)


# ---- dtypes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
@pytest.mark.parametrize("reduction", [0, 1, 2])
def test_any_mix_of_dtypes_gives_the_bits_of_the_numpy_function(op: str, reduction: int, acl: Acl) -> None:
    shape = (13, 17)
    for mix in itertools.product(SUPPORTED, repeat=4):
        kwargs = operands_of(op, shape, "float32", "weight", "pos_weight")
        kwargs = {
            name: value.astype(DTYPES[dtype])
            for (name, value), dtype in zip(kwargs.items(), itertools.cycle(mix), strict=False)
        }
        out = np.zeros(result_shape(op, shape, reduction), kwargs["targets"].dtype)
        assert_same_bits(acl, op, kwargs, reduction, out)


@pytest.mark.parametrize("dtype", SUPPORTED)
def test_the_gradient_with_respect_to_targets_may_have_any_dtype(dtype: str, acl: Acl) -> None:
    kwargs = operands_of(TARGET_BACKWARD, (5, 7), "float16", "pos_weight")
    assert_same_bits(acl, TARGET_BACKWARD, kwargs, 0, np.zeros((5, 7), DTYPES[dtype]))


def test_the_gradient_with_respect_to_self_may_have_the_dtype_of_self_or_of_target(acl: Acl) -> None:
    kwargs = operands_of(BACKWARD, (5, 7))
    kwargs["targets"] = kwargs["targets"].astype(np.float16)
    for dtype in (np.float32, np.float16):
        assert_same_bits(acl, BACKWARD, kwargs, 0, np.zeros((5, 7), dtype))


# ---- shapes, formats and how tensors are described -------------------------------------------------------------


@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
@pytest.mark.parametrize("rank", range(9))
def test_tensors_have_0_to_8_dimensions(op: str, rank: int, acl: Acl) -> None:
    shape = (2, 3, 1, 2, 1, 3, 2, 2)[:rank]
    for reduction in (0, 1, 2):
        kwargs = operands_of(op, shape, "float32", "weight")
        assert_same_bits(acl, op, kwargs, reduction, np.zeros(result_shape(op, shape, reduction), np.float32))


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0, 2)])
@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
def test_empty_tensors_leave_gradients_alone_sum_to_0_and_have_no_mean(
    op: str, shape: tuple[int, ...], acl: Acl
) -> None:
    for reduction in (0, 1, 2):
        out = np.full(result_shape(op, shape, reduction), -7.25, np.float32)
        kwargs = operands_of(op, shape)
        operands.run(acl, op, reduction, {NAMES[k]: v for k, v in kwargs.items()} | {PARAMETERS[op][-1]: out})
        if op == LOSS and reduction:
            np.testing.assert_array_equal(out, [np.nan if reduction == 1 else 0.0])


@pytest.mark.parametrize("shape", [(), (1,)])
@pytest.mark.parametrize("reduction", [1, 2])
@pytest.mark.parametrize("dtype", SUPPORTED)
def test_a_reduced_loss_has_shape_1_or_none(shape: tuple[int, ...], reduction: int, dtype: str, acl: Acl) -> None:
    assert_same_bits(acl, LOSS, operands_of(LOSS, (31, 67), dtype), reduction, np.zeros(shape, DTYPES[dtype]))


@pytest.mark.parametrize(
    ("form", "shape"),
    [
        *((ND, s) for s in [(6,), (2, 3, 4, 5)]),
        *((NC, (3, 4)), (NCL, (2, 3, 4)), (NCHW, (2, 3, 4, 5)), (NHWC, (2, 3, 4, 5)), (HWCN, (2, 3, 4, 5))),
        *((NCDHW, (2, 3, 2, 2, 3)), (NDHWC, (2, 3, 2, 2, 3)), (NCHW, (3, 4))),
    ],
)
@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
def test_formats_without_blocks_are_hints(op: str, form: int, shape: tuple[int, ...], acl: Acl) -> None:
    out = np.zeros(shape, np.float32)
    assert_same_bits(acl, op, operands_of(op, shape), 0, out, formats=dict.fromkeys(PARAMETERS[op], form))


def layouts(shape: tuple[int, int]) -> dict[str, Any]:
    """Ways to lay an array out that strides of elements can describe."""

    def offset(a: Array) -> Array:
        held = np.zeros(a.size + 11, a.dtype)
        held[11:] = a.ravel()
        return held[11:].reshape(shape)

    def transposed(a: Array) -> Array:
        return np.ascontiguousarray(a.T).T

    def with_gaps(a: Array) -> Array:
        held = np.zeros((shape[0] * 2, shape[1] * 3), a.dtype)
        held[1::2, 2::3] = a
        return held[1::2, 2::3]

    def expanded(a: Array) -> Array:
        return np.broadcast_to(np.ascontiguousarray(a[:1]), shape)

    def one_element(a: Array) -> Array:
        return np.broadcast_to(np.ascontiguousarray(a[:1, :1]), shape)

    return {f.__name__: f for f in (offset, transposed, with_gaps, expanded, one_element)}


@pytest.mark.parametrize("layout", layouts((1, 1)))
@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
def test_inputs_of_any_layout(op: str, layout: str, acl: Acl) -> None:
    shape = (33, 70)
    lay_out = layouts(shape)[layout]
    for dtype, reduction in itertools.product(SUPPORTED, (0, 1, 2)):
        kwargs = {k: lay_out(v) for k, v in operands_of(op, shape, dtype, "weight", "pos_weight").items()}
        assert_same_bits(acl, op, kwargs, reduction, np.zeros(result_shape(op, shape, reduction), DTYPES[dtype]))


@pytest.mark.parametrize("layout", ["offset", "transposed", "with_gaps"])
@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
def test_outputs_of_any_layout(op: str, layout: str, acl: Acl) -> None:
    shape = (33, 70)
    out = layouts(shape)[layout](np.full(shape, -7.25, np.float32))
    actual, expected = both(acl, op, operands_of(op, shape), 0, out)
    assert oracle.bits(actual) == oracle.bits(expected)
    held = operands.owner(out)
    mask = np.ones(held.shape, bool)
    operand_view = np.lib.stride_tricks.as_strided(
        mask.reshape(-1)[(out.ctypes.data - held.ctypes.data) // 4 :], shape, [s // 4 for s in out.strides]
    )
    operand_view[...] = False
    assert not held[mask].any()  # what lies between the elements is as it was


@pytest.mark.parametrize("n", [1, 63, 64, 4095, 4096, 4097, 300_000])
def test_sizes_around_the_limits_of_blocks_and_of_work_that_runs_at_once(n: int, acl: Acl) -> None:
    for op, reduction in itertools.product((LOSS, BACKWARD, TARGET_BACKWARD), (0, 1, 2)):
        assert_same_bits(acl, op, operands_of(op, (n,)), reduction, np.zeros(result_shape(op, (n,), reduction), "f4"))


@pytest.mark.parametrize("op", [LOSS, BACKWARD, TARGET_BACKWARD])
def test_infinities_nans_and_zeros_have_the_limits_of_the_numpy_functions(op: str, acl: Acl) -> None:
    magnitudes = np.array([0.0, 1e-45, 1.0, 88.0, 104.0, 1e38, np.inf], np.float32)
    special = np.concatenate([magnitudes, -magnitudes, np.array([np.nan], np.float32)])
    x, t = (np.ascontiguousarray(a) for a in np.meshgrid(special, special))
    kwargs = {"logits": x, "targets": t} | ({} if op == LOSS else {"grad_output": np.ones(1, np.float32)})
    for reduction in (0, 1, 2):
        assert_same_bits(acl, op, kwargs, reduction, np.zeros(result_shape(op, x.shape, reduction), np.float32))


def test_out_may_be_one_of_the_inputs(acl: Acl) -> None:
    for name, op in itertools.product(("logits", "targets"), (LOSS, BACKWARD)):
        ours, theirs = operands_of(op, (37, 61)), operands_of(op, (37, 61))
        getattr(bcelogits, numpy_name(op))(**theirs, reduction=0, out=theirs[name])
        operands.run(acl, op, 0, {NAMES[k]: v for k, v in ours.items()} | {"out": ours[name]})
        assert oracle.bits(ours[name]) == oracle.bits(theirs[name])
