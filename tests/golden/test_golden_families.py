"""Families of test data: the same bytes always, what their names say, every dtype, every layout."""

from __future__ import annotations

import hashlib
import math
import statistics
from typing import Any

import mpmath
import numpy as np
import pytest
from oracle import DTYPES, FORMATS, LONG

from bcelogits.golden import FAMILIES, LAYOUTS, Case, Op, elementwise, make_operands
from bcelogits.golden._families import exhaustive_shape
from bcelogits.golden._layouts import lay_out
from bcelogits.golden._random import Stream, exp, log, sigmoid


def case(family: str, dtype: str = "f32", shape: tuple[int, ...] = (5000,), op: Op = Op.LOSS, **fields: Any) -> Case:
    return Case("", op, dtype, shape, family=family, **fields)


def wide(array: Any) -> Any:
    return array.astype(np.float64)


def every_case() -> list[Case]:
    return [
        case(family, dtype, (40, 25), op, seed=7, weight=(25,), pos_weight=(40, 1), grad_output=(40, 25))
        for family in FAMILIES
        for dtype in LONG
        for op in (Op.BACKWARD, Op.TARGET_BACKWARD)
        if family != "exhaustive16" or dtype in ("f16", "bf16")
    ]


def digest(cases: list[Case]) -> str:
    total = hashlib.sha256()
    for one in cases:
        for name, array in make_operands(one).items().items():
            total.update(f"{name} {array.dtype.name} {array.shape}".encode())
            total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


# ---- the same bytes --------------------------------------------------------------------------------------------

HASHES: dict[str, str] = {
    "uniform": "2e3f16351f298877dc743c9ca77bca2b9d1f53e91e8ddd2891b91c95b5f2daab",
    "normal": "3a69225e9fd69f78fa2e2355047a94fc3c95b14cc28c045f8c8172cdc108cd2e",
    "commercial": "406a986940ab34f0867b9628d17f00d7c5a2c0291cac6c472acb812d2256605b",
    "tail": "5513058ebfcd517b80064b037444c0f1d5fc7220a264227727f457eadef5122f",
    "calibrated": "92a039bdb2e12af1003d0ef2776a3cbbdb7a3ebbf84a2db87de55693e798c26e",
    "anticalibrated": "0aee30e7b953ae996982185049d5c18bfd2147eb2c057de51907baf754440b39",
    "easy-negatives": "11d7fe4826bb68552fd096ad1172b245170dc6b83d972eae3664ed2181ca0d8e",
    "roots": "f815e3669e796e5de7439d08dc9177b4fb9272dd8285f685123fcbf8836c8fd6",
    "specials": "5eb8516f93bcafdabfa753c9732a6c4a911d01a06abdb57c13d04a8339421373",
    "exhaustive16": "06700c60c09be2a4ffdcace9aac8395ea707bd64b54494082aff80c1478b9b9a",
    "outliers": "1df53d4a42a622e899a7e4fe208fe08911335bc7af471318a8c4f1e312ecd3b8",
    "ones": "8aabc4b38332bbafd6a87a8785210bd64687cd77a43bce3c164422344c17aa9e",
    "zeros-logits": "f38a9d55fdd5e663cf1eda0b21bc1f822a33ae0327b39489e3cddfcf3583866a",
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_bytes_never_change(family: str) -> None:
    # Who generates golden data again must get the same: what would change a hash gets a new name instead.
    assert digest([one for one in every_case() if one.family == family]) == HASHES[family]


def test_another_seed_gives_other_numbers_and_another_operator_the_same() -> None:
    first = make_operands(case("normal", seed=1, weight=(5000,)))
    again = make_operands(case("normal", seed=1, weight=(5000,)))
    other = make_operands(case("normal", seed=2, weight=(5000,)))
    backward = make_operands(case("normal", op=Op.BACKWARD, seed=1, weight=(5000,)))
    for name in ("logits", "targets", "weight"):
        array = getattr(first, name)
        assert array.tobytes() == getattr(again, name).tobytes() == getattr(backward, name).tobytes()
        assert (array != getattr(other, name)).any()
    assert first.grad_output is None
    assert backward.grad_output is not None
    assert backward.grad_output.shape == ()


def test_uniform_numbers_are_made_of_philox_words_as_documented() -> None:
    key = int.from_bytes(hashlib.sha256(b"bcelogits:5:name").digest()[:16], "little")
    words = np.random.Philox(key=key).random_raw(1000)
    assert Stream(5, "name").words(1000).tolist() == words.tolist()
    assert Stream(5, "name").unit(1000).tolist() == [(w >> 11) * 2.0**-53 for w in words.tolist()]
    assert Stream(5, "name").below(1000, 7).tolist() == [(w >> 32) * 7 >> 32 for w in words.tolist()]


def test_philox_is_philox() -> None:
    # Known answers of Philox4x64-10 (Random123, kat_vectors): counter and key 0.
    expected = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    state = np.random.Philox(key=0)
    # NumPy counts before it computes: the counter of the first block is 1.
    inner = state.state
    inner["state"]["counter"] = np.full(4, 2**64 - 1, dtype=np.uint64)
    state.state = inner
    assert state.random_raw(4).tolist() == expected


def test_normal_numbers_are_the_quantile_of_the_normal_distribution() -> None:
    words = Stream(3, "z").words(5000).tolist()
    exact = [statistics.NormalDist().inv_cdf(((w >> 12) + 0.5) * 2.0**-52) for w in words]
    assert Stream(3, "z").normal(5000) == pytest.approx(exact, rel=2e-15, abs=1e-15)
    sample = Stream(3, "z").normal(200_000, -20, 5)
    assert (sample.mean(), sample.std()) == (pytest.approx(-20, abs=0.05), pytest.approx(5, abs=0.05))


def test_own_elementary_functions_are_right() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-745, 709, 2000), rng.normal(0, 2, 2000), 2.0 ** rng.uniform(-60, 0, 500)])
    normal = x > -708
    exact = np.array([float(mpmath.exp(v)) for v in x])
    np.testing.assert_allclose(exp(x)[normal], exact[normal], rtol=5e-16, atol=0)
    np.testing.assert_allclose(exp(x)[~normal], exact[~normal], rtol=0, atol=2e-323)
    assert exp(np.array([0.0, -800.0, 800.0, -1e300])).tolist() == [1.0, 0.0, math.inf, 0.0]
    y = np.concatenate([2.0 ** rng.uniform(-1000, 1000, 2000), rng.uniform(0.5, 2, 2000)])
    np.testing.assert_allclose(log(y), [float(mpmath.log(v)) for v in y], rtol=5e-16, atol=0)
    np.testing.assert_allclose(sigmoid(x), [float(1 / (1 + mpmath.exp(-v))) for v in x], rtol=1e-15, atol=2e-323)


# ---- what they are ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", every_case(), ids=lambda c: f"{c.family}-{c.dtype}-{c.op.value}")
def test_dtypes_shapes_and_ranges(one: Case) -> None:
    operands = make_operands(one).items()
    assert {name: array.shape for name, array in operands.items()} == {
        "logits": (40, 25),
        "targets": (40, 25),
        "weight": (25,),
        "pos_weight": (40, 1),
        "grad_output": (40, 25),
    }
    assert {array.dtype for array in operands.values()} == {DTYPES[LONG[one.dtype]]}
    assert all(array.flags.c_contiguous and array.flags.writeable for array in operands.values())
    targets = wide(operands["targets"])
    assert ((targets >= 0) & (targets <= 1)).all()
    if one.family != "specials":
        assert all(np.isfinite(wide(array)).all() for array in operands.values())
        assert (wide(operands["weight"]) >= 0).all()
        assert (wide(operands["pos_weight"]) > 0).all()


def test_operands_have_dtypes_of_their_own() -> None:
    one = case("normal", "f16", weight=(), dtypes={"weight": "f32", "targets": "bf16"})
    operands = make_operands(one)
    assert operands.weight is not None
    names = (operands.logits.dtype.name, operands.targets.dtype.name, operands.weight.dtype.name)
    assert names == ("float16", "bfloat16", "float32")


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("shape", [(0,), (3, 0), (), (1, 1, 1), (2, 1, 3, 4, 7, 8, 15)])
def test_every_shape(family: str, shape: tuple[int, ...]) -> None:
    one = case(family, "bf16", shape, Op.BACKWARD, weight=shape[-1:], pos_weight=shape, grad_output=shape)
    assert {a.shape for a in make_operands(one).items().values()} <= {shape, shape[-1:]}


def test_the_generators_of_the_standards() -> None:
    uniform = make_operands(case("uniform")).logits
    assert (-5 <= uniform.min() < -4.9, 4.9 < uniform.max() <= 5) == (True, True)
    for seed in range(20):
        normal = wide(make_operands(case("normal", seed=seed)).logits)
        assert abs(normal.mean()) < 5.2
        assert 0.09 < normal.std() < 2.1
    kinds = set()
    for seed in range(40):
        magnitude = np.abs(wide(make_operands(case("commercial", seed=seed)).logits)).max()
        kinds.add("small" if magnitude < 1e-3 else "uniform" if magnitude <= 5 else "n" if magnitude < 300 else "out")
    assert kinds == {"small", "uniform", "n", "out"}
    small = make_operands(case("commercial", options={"part": "small"})).logits
    assert np.abs(small).max() <= 0.001
    plain = make_operands(case("commercial", options={"part": "normal"})).logits
    outliers = make_operands(case("commercial", options={"part": "outliers"})).logits
    changed = plain != outliers
    assert 1 <= changed.sum() <= 5
    np.testing.assert_allclose(outliers[changed], 1000 * plain[changed], rtol=1e-6)


def test_outliers_that_float16_cannot_hold_become_its_largest_number() -> None:
    logits = wide(make_operands(case("commercial", "f16", options={"part": "outliers", "mean": 90, "std": 1})).logits)
    assert logits.max() == 65504


def test_labels_of_a_trained_model_go_with_its_logits() -> None:
    trained = make_operands(case("calibrated", shape=(100_000,)))
    x, t = wide(trained.logits), wide(trained.targets)
    assert x.std() == pytest.approx(8, abs=0.1)
    assert set(t.tolist()) == {0.0, 1.0}
    for low in (-4, -2, 0, 2):
        inside = (x >= low) & (x < low + 2)
        assert t[inside].mean() == pytest.approx((1 / (1 + np.exp(-x[inside]))).mean(), abs=0.02)
    wrong = make_operands(case("anticalibrated", shape=(100_000,)))
    assert wide(wrong.targets)[x > 4].mean() < 0.05
    easy = make_operands(case("easy-negatives", shape=(100_000,)))
    assert not easy.targets.any()
    assert wide(easy.logits).mean() == pytest.approx(-20, abs=0.1)
    assert wide(easy.logits).std() == pytest.approx(5, abs=0.1)


@pytest.mark.parametrize("dtype", LONG)
def test_the_tail_grid(dtype: str) -> None:
    shape = (60, 2000)
    operands = make_operands(case("tail", dtype, shape, weight=shape, pos_weight=shape))
    kind = DTYPES[LONG[dtype]]
    x = operands.logits
    for k in (1.0, 5.5, 14.5, 87.5, 110.0):
        near = np.array([k], kind)
        unsigned = near.view(f"u{kind.itemsize}")
        for place in (unsigned - 1, unsigned, unsigned + 1):
            assert (x == place.view(kind)[0]).any()
            assert (x == -place.view(kind)[0]).any()
    assert {1.0, 0.0, 0.5, 2.0**-10} <= set(wide(operands.targets).ravel().tolist())
    assert operands.weight is not None
    assert operands.pos_weight is not None
    assert set(wide(operands.weight).ravel().tolist()) == {1.0, 0.0, float(kind.type(1e-3))}
    assert set(wide(operands.pos_weight).ravel().tolist()) == {1.0, 0.25, 3.0, float(kind.type(1e4))}
    # A grid of its size is walked through without a repetition.
    grid = case("tail", "f64", (2 * 3 * (219 + 13) * 7,))
    points = make_operands(grid)
    assert len(set(zip(points.logits.tolist(), points.targets.tolist(), strict=True))) > 0.97 * points.logits.size


@pytest.mark.parametrize("dtype", ["f16", "bf16"])
def test_every_16_bit_logit_with_nine_targets(dtype: str) -> None:
    shape = exhaustive_shape(dtype)
    assert shape == (9, 63_488 if dtype == "f16" else 65_280)
    operands = make_operands(case("exhaustive16", dtype, shape))
    for row in operands.logits:
        assert len(set(row.view(np.uint16).tolist())) == shape[1]
    assert np.isfinite(wide(operands.logits)).all()
    assert (operands.targets == operands.targets[:, :1]).all()
    again = make_operands(case("exhaustive16", dtype, (2, *shape))).logits
    assert (again[0] == again[1]).all()
    few = make_operands(case("exhaustive16", dtype, (3000,)))
    assert len(set(zip(few.logits.view(np.uint16).tolist(), wide(few.targets).tolist(), strict=True))) > 2900


def test_every_16_bit_logit_needs_16_bits() -> None:
    with pytest.raises(ValueError, match="dtype: 'f32', expected 'f16' or 'bf16' for all finite logits"):
        make_operands(case("exhaustive16"))


@pytest.mark.parametrize("dtype", LONG)
@pytest.mark.parametrize("op", [Op.BACKWARD, Op.TARGET_BACKWARD])
def test_roots_are_roots(op: Op, dtype: str) -> None:
    one = case("roots", dtype, (2000,), op, pos_weight=(2000,))
    inputs = {name: np.broadcast_to(wide(v), (2000,)).copy() for name, v in make_operands(one).items().items()}
    truth = elementwise(op, inputs, "f64")
    bits = FORMATS[LONG[dtype]][0]
    relative = np.abs(truth.value) / truth.scale
    # |x| is below 16, so that 3.5 ULP of x are at most 28 * 2**-bits, and the slope of each term is at most 1.
    assert relative.max() < 60 * 2.0**-bits
    assert np.median(relative) < 8 * 2.0**-bits
    assert (truth.value > 0).any()
    assert (truth.value < 0).any()


def test_specials_have_every_special_operand() -> None:
    operands = make_operands(case("specials", weight=(5000,), pos_weight=(5000,)))
    x = operands.logits
    for value in (math.inf, -math.inf, 0.0, 2.0**-149, 2.0**-126, -(2.0**-126), float(np.finfo(np.float32).max)):
        assert (x == value).any()
    assert np.isnan(x).any()
    assert (np.signbit(x) & (x == 0)).any()
    assert operands.weight is not None
    for value in (0.0, 1.0, math.inf):
        assert (operands.weight == value).any()
    assert np.isnan(operands.weight).any()
    for pattern, expected in (("+inf", {math.inf}), ("-inf", {-math.inf}), ("mixed-inf", {math.inf, -math.inf})):
        assert set(make_operands(case("specials", options={"pattern": pattern})).logits.tolist()) == expected
    assert np.isnan(make_operands(case("specials", options={"pattern": "nan"})).logits).all()


def test_constant_families() -> None:
    assert (make_operands(case("ones")).logits == 1).all()
    assert (make_operands(case("ones")).targets == 1).all()
    zeros = make_operands(case("zeros-logits", weight=(), options={"weights": "ones"}))
    assert not zeros.logits.any()
    assert zeros.weight == 1


# ---- options ---------------------------------------------------------------------------------------------------


def test_targets_hard_soft_mixed_or_a_number() -> None:
    def targets(wanted: Any) -> Any:
        return wide(make_operands(case("uniform", options={"targets": wanted})).targets)

    assert set(targets("hard").tolist()) == {0.0, 1.0}
    assert 0.45 < targets("hard").mean() < 0.55
    assert not np.isin(targets("soft"), (0.0, 1.0)).any()
    assert 0.4 < np.isin(targets("mixed"), (0.0, 1.0)).mean() < 0.6
    assert set(targets(0.25).tolist()) == {0.25}


@pytest.mark.parametrize(
    ("family", "options", "message"),
    [
        ("uniform", {"mean": 1}, "options: 'mean', family 'uniform' has low, high, targets, weights"),
        ("uniform", {"low": "x"}, "options: low = 'x', expected a number"),
        ("uniform", {"targets": "odd"}, "options: targets = 'odd', expected one of mixed, hard, soft"),
        ("commercial", {"part": "big"}, "options: part = 'big', expected one of small, uniform, normal, outliers"),
        ("specials", {"pattern": 3}, "options: pattern = 3, expected one of grid, nan, "),
    ],
)
def test_options_that_a_family_does_not_have(family: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("+", r"\+")):
        make_operands(case(family, options=options))


def test_unknown_families_and_layouts_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="family: 'gauss', expected one of uniform, normal"):
        make_operands(case("gauss"))
    with pytest.raises(ValueError, match="layout: 'blocked', expected one of contiguous"):
        make_operands(case("ones", layouts={"logits": "blocked"}))
    with pytest.raises(ValueError, match="layouts: 'x', expected names of operands"):
        make_operands(case("ones", layouts={"x": "strided"}))


# ---- layouts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (1, 4), (4, 1), (2, 3, 4), (3, 0)])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=str)
def test_a_layout_changes_strides_and_no_value(layout: str, shape: tuple[int, ...], dtype: Any) -> None:
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    laid = lay_out(array, layout)
    assert (laid.shape, laid.dtype) == (array.shape, array.dtype)
    assert laid.tobytes() == array.tobytes()
    assert not np.shares_memory(laid, array)
    assert laid.flags.writeable


def test_layouts_are_what_their_names_say() -> None:
    array = np.zeros((4, 6), np.float32)
    assert lay_out(array, "contiguous").strides == (24, 4)
    assert lay_out(array, "transposed").strides == (4, 16)
    assert lay_out(array, "strided").strides == (48, 8)
    assert lay_out(array, "reversed").strides == (-24, -4)
    offset = lay_out(array, "offset")
    assert offset.strides == (24, 4)
    assert offset.base is not None
    assert np.isnan(offset.base[[0, -1]]).all()
    strided = lay_out(array, "strided")
    assert strided.base is not None
    assert np.isnan(strided.base.reshape(4, 12)[:, 1::2]).all()


def test_operands_are_laid_out_as_the_case_says() -> None:
    one = case("normal", shape=(6, 8), weight=(8,), layouts={"logits": "transposed", "weight": "strided"})
    operands, plain = make_operands(one), make_operands(case("normal", shape=(6, 8), weight=(8,)))
    assert operands.weight is not None
    assert plain.weight is not None
    assert operands.logits.strides == (4, 24)
    assert operands.weight.strides == (8,)
    assert (operands.logits == plain.logits).all()
    assert (operands.weight == plain.weight).all()
