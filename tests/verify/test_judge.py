"""One output is judged from arrays in memory: its verdicts, what is refused, and that how it is cut shows nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from oracle import DTYPES, LONG

import bcelogits
import bcelogits.reference
from bcelogits import golden, verify
from bcelogits._files.errors import InputError
from bcelogits.golden import problem
from bcelogits.reference.truth import Op
from bcelogits.verify import Options, Status

pytest.importorskip("ml_dtypes")

FUNCTIONS = {op.value: getattr(bcelogits, op.function) for op in Op}


def operands(op: str, dtype: str, shape: tuple[int, ...] = (40, 7)) -> dict[str, Any]:
    kind = DTYPES[LONG[dtype]]
    rng = np.random.default_rng(5)
    found = {
        "logits": rng.normal(0, 6, shape).astype(kind),
        "targets": rng.integers(0, 2, shape).astype(kind),
        "weight": np.exp2(rng.integers(-2, 3, (*shape[:1], 1))).astype(kind),
        "pos_weight": np.exp2(rng.integers(-2, 3, shape[-1:])).astype(kind),
    }
    return found if op == "loss" else found | {"grad_output": rng.uniform(0.5, 2, shape).astype(kind)}


def run(op: str, given: dict[str, Any], reduction: str) -> Any:
    rest = dict(given)
    first = () if op == "loss" else (rest.pop("grad_output"),)
    return FUNCTIONS[op](*first, **rest, reduction=reduction)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("op", FUNCTIONS)
def test_a_right_implementation_passes(op: str, dtype: str, reduction: str) -> None:
    given = operands(op, dtype)
    result = verify.judge(run(op, given, reduction), op=op, reduction=reduction, **given)
    assert result.status is Status.PASS
    assert (result.op, result.dtype, result.reduction) == (op, dtype, reduction)
    assert result.shape == (() if op == "loss" and reduction != "none" else (40, 7))


@pytest.mark.parametrize("op", FUNCTIONS)
def test_one_wrong_element_fails_and_is_the_worst_point(op: str) -> None:
    given = operands(op, "f32")
    output = np.array(run(op, given, "none"))
    output[31, 2] *= 1.001
    result = verify.judge(output, op=op, **given)
    assert result.status is Status.FAIL
    (ulp,) = (v for v in result.verdicts if v.profile.startswith("ulp"))
    assert ulp.status is Status.FAIL
    assert result.statistics["worst"][0]["index"] == 31 * 7 + 2


def test_ulp_is_always_among_the_profiles() -> None:
    given = operands("loss", "f32")
    result = verify.judge(run("loss", given, "none"), **given, options=Options(profiles=("cann-mere",)))
    assert [v.profile for v in result.verdicts] == ["cann-mere", "ulp"]
    result = verify.judge(run("loss", given, "none"), **given, options=Options(profiles=("ulp:cr",)))
    assert [v.profile for v in result.verdicts] == ["ulp:cr"]


def test_how_the_elements_are_cut_into_runs_shows_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    given = operands("backward", "f32")
    output = run("backward", given, "none") * np.float32(1 + 2e-6)
    whole = verify.judge(output, op="backward", **given)
    for module in (problem, verify._judge, verify._sources):
        monkeypatch.setattr(module, "CHUNK", 17)
    parts = verify.judge(output, op="backward", **given)
    assert whole.status is parts.status
    for one, two in zip(whole.verdicts, parts.verdicts, strict=True):
        assert [m.passed for m in one.metrics] == [m.passed for m in two.metrics]
        assert [m.value for m in one.metrics] == pytest.approx([m.value for m in two.metrics], rel=1e-12)


def test_strides_of_operands_and_output_do_not_matter() -> None:
    given = operands("loss", "f32")
    output = run("loss", given, "none")
    turned = {name: np.asfortranarray(array) for name, array in given.items()}
    one, two = verify.judge(output, **given), verify.judge(np.asfortranarray(output), **turned)
    assert one.verdicts == two.verdicts
    assert one.statistics == two.statistics


def test_the_truth_at_infinite_logits_is_the_limit_unless_that_of_pytorch_is_asked_for() -> None:
    x, t = np.float32([np.inf, -np.inf, 1.0]), np.float32([1, 0, 1])
    limit = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
    as_torch = np.where(np.isinf(x), np.float32(np.nan), limit)
    assert verify.judge(limit, logits=x, targets=t).status is Status.PASS
    assert verify.judge(as_torch, logits=x, targets=t).status is Status.FAIL
    torch = Options(special=golden.Special.TORCH)
    assert verify.judge(as_torch, logits=x, targets=t, options=torch).status is Status.PASS
    assert verify.judge(limit, logits=x, targets=t, options=torch).status is Status.FAIL


def test_saturation_mode_expects_the_largest_finite_number() -> None:
    x, t = np.float16([-65504, -65504]), np.float16([1, 1])
    p = np.float16(4)
    saturating = np.float16([65504, 65504])
    assert verify.judge(saturating, logits=x, targets=t, pos_weight=p).status is Status.FAIL
    mode = Options(saturate=True)
    assert verify.judge(saturating, logits=x, targets=t, pos_weight=p, options=mode).status is Status.PASS


def test_a_device_that_flushes_subnormals_is_not_blamed_for_it_if_that_is_said() -> None:
    x, t = np.float32([-90, -20, -2]), np.zeros(3, np.float32)
    output = bcelogits.binary_cross_entropy_with_logits(x, t, reduction="none")
    output[0] = 0
    assert verify.judge(output, logits=x, targets=t).status is Status.FAIL
    assert verify.judge(output, logits=x, targets=t, options=Options(flush_subnormals=True)).status is Status.PASS


def test_repeats_must_have_the_same_bytes() -> None:
    given = operands("loss", "f32")
    output = run("loss", given, "none")
    same = verify.judge(output, **given, repeats=[output.copy(), output.copy()])
    assert same.status is Status.PASS
    assert same.verdicts[-1].profile == "determinism"
    other = output.copy()
    other[3, 1] = np.nextafter(other[3, 1], np.float32(np.inf))
    differs = verify.judge(output, **given, repeats=[output, other])
    assert differs.status is Status.FAIL
    assert differs.verdicts[-1].why == "1 elements differ between 3 repeats, the first at 22"


def test_a_number_as_a_weight_is_read_as_the_operator_reads_it() -> None:
    given = operands("loss", "f32")
    given["weight"], given["pos_weight"] = 0.1, 3.3
    output = bcelogits.binary_cross_entropy_with_logits(**given, reduction="none")
    assert verify.judge(output, **given, options=Options(profiles=("ulp:libm",))).status is Status.PASS


def test_dual_rules_have_their_third_party_and_others_do_without() -> None:
    given = operands("loss", "f32")
    output = run("loss", given, "none")
    result = verify.judge(output, **given, options=Options(profiles=("cann-dual:L2",)))
    assert result.verdicts[0].status is Status.PASS
    lost = np.where(output < 1e-4, np.float32(0), output)
    result = verify.judge(lost, **given, options=Options(profiles=("cann-dual:L0",)))
    assert result.verdicts[0].status is Status.FAIL


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_an_empty_output_and_an_empty_reduction_are_judged(reduction: str) -> None:
    x = np.zeros((0, 3), np.float32)
    assert verify.judge(x, logits=x, targets=x).status is Status.PASS
    output = bcelogits.binary_cross_entropy_with_logits(x, x, reduction=reduction)
    assert verify.judge(output, logits=x, targets=x, reduction=reduction).status is Status.PASS
    wrong = np.float32(1)
    assert verify.judge(wrong, logits=x, targets=x, reduction=reduction).status is Status.FAIL


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"logits": np.zeros(4, np.int32)}, InputError, "logits: dtype int32, expected an array of float32, "),
        ({"targets": np.zeros(3, np.float32)}, InputError, r"targets: shape \(3,\), expected \(4,\), the shape of"),
        ({"weight": np.zeros(3, np.float32)}, InputError, r"weight: shape \(3,\), expected one that broadcasts to"),
        ({"actual": np.zeros(3, np.float32)}, InputError, r"actual: shape \(3,\), expected \(4,\), that of the output"),
        ({"actual": np.zeros(4, np.int8)}, InputError, "actual: dtype int8, expected float32, float16, bfloat16"),
        ({"repeats": [np.zeros(4, np.float16)]}, InputError, "actual: dtype float16, expected f32, that of the output"),
        ({"grad_output": 2.0}, ValueError, "grad_output: given for op='loss', expected it for 'backward' or 'target_"),
        ({"op": "forward"}, ValueError, "op: 'forward', expected one of loss, backward, target_backward"),
        ({"reduction": "avg"}, ValueError, "reduction: 'avg', expected none, mean or sum"),
        ({"options": Options(profiles=("isclose",))}, ValueError, "isclose"),
        ({"options": Options(profiles=("cann-dual:L0",), third="mine")}, ValueError, "third: 'mine', expected one of"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], error: type[Exception], text: str) -> None:
    given: dict[str, Any] = {name: np.zeros(4, np.float32) for name in ("actual", "logits", "targets")}
    given |= changes
    with pytest.raises(error, match=text):
        verify.judge(given.pop("actual"), **given)


def test_an_array_can_stand_for_the_truth() -> None:
    given = operands("loss", "f32")
    output = run("loss", given, "none")
    exact = bcelogits.reference.binary_cross_entropy_with_logits(**given, reduction="none")
    assert verify.judge_golden(output, exact).status is Status.PASS
    assert verify.judge_golden(output * np.float32(1.01), exact).status is Status.FAIL
    assert verify.judge_golden(output, output).status is Status.PASS
    with pytest.raises(InputError, match="golden: dtype float16, expected float64 or float32, that of actual"):
        verify.judge_golden(output, output.astype(np.float16))
