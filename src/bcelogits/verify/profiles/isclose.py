"""Rules of the form |a - g| <= atol + rtol |g|: the Ascend C samples, the test kit, and the frameworks' defaults."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from bcelogits.verify._model import Context, Judge, Profile

from ._common import Text, profile
from ._share import ShareOut, isclose

__all__ = ["PROFILES"]


class _Tolerance(NamedTuple):
    rtol: float
    atol: float
    allowed: float = 0.0  # share of the elements out of tolerance


class _Rule(NamedTuple):
    text: Text
    rows: Mapping[str, _Tolerance]
    equal_nan: bool = True


_DATE = "as of 2026-11-22"
_KIT = "https://gitcode.com/cann/ops-test-kit/blob/master/docs/Precision_Comparison.md"

_SAMPLE = "Ascend C samples, scripts/verify_result.py"
_SAMPLE_SOURCE = "https://gitee.com/ascend/samples (operator samples; several public copies)"
# The public copies agree on all but float32's atol: 1e-6 in some, 1e-5 in others.
_SAMPLE_16 = {"f16": _Tolerance(1e-3, 1e-5, 1e-3), "bf16": _Tolerance(1e-3, 1e-3, 1e-3)}

_RULES = (
    _Rule(
        Text(
            "sample-isclose",
            _SAMPLE,
            _DATE,
            _SAMPLE_SOURCE,
            "np.isclose for all but 1 of 1,000 elements; f32: rtol 1e-4, atol 1e-6",
        ),
        {**_SAMPLE_16, "f32": _Tolerance(1e-4, 1e-6, 1e-3)},
    ),
    _Rule(
        Text(
            "sample-isclose:1e-5",
            _SAMPLE,
            f"{_DATE}, copies with atol 1e-5",
            _SAMPLE_SOURCE,
            "np.isclose for all but 1 of 1,000 elements; f32: rtol 1e-4, atol 1e-5",
        ),
        {**_SAMPLE_16, "f32": _Tolerance(1e-4, 1e-5, 1e-3)},
    ),
    # docs/Precision_Comparison.md of CANN's test kit: rtol is the share too; "other floats" have float32's row.
    _Rule(
        Text(
            "ttk-close", "CANN operator test kit, close", _DATE, _KIT, "isclose with atol 1e-8; rtol is the share too"
        ),
        {
            "f16": _Tolerance(1e-3, 1e-8, 1e-3),
            "bf16": _Tolerance(1e-3, 1e-8, 1e-3),
            "f32": _Tolerance(1e-4, 1e-8, 1e-4),
            "f64": _Tolerance(1e-4, 1e-8, 1e-4),
        },
    ),
    # torch/testing/_comparison.py, assert_close: equal_nan is False where it is not asked for.
    _Rule(
        Text(
            "torch",
            "torch.testing.assert_close defaults",
            _DATE,
            "https://github.com/pytorch/pytorch/blob/main/torch/testing/_comparison.py",
            "every element close; NaN differs from NaN",
        ),
        {
            "f16": _Tolerance(1e-3, 1e-5),
            "bf16": _Tolerance(1.6e-2, 1e-5),
            "f32": _Tolerance(1.3e-6, 1e-5),
            "f64": _Tolerance(1e-7, 1e-7),
        },
        equal_nan=False,
    ),
    # jax/_src/public_test_util.py: default_tolerance is rtol and atol; NaN equals NaN in numpy.testing.
    _Rule(
        Text(
            "jax",
            "JAX default test tolerances",
            _DATE,
            "https://github.com/jax-ml/jax/blob/main/jax/_src/public_test_util.py",
            "every element close, rtol = atol, not scaled by the count of elements",
        ),
        {
            "f16": _Tolerance(1e-3, 1e-3),
            "bf16": _Tolerance(1e-2, 1e-2),
            "f32": _Tolerance(1e-6, 1e-6),
            "f64": _Tolerance(1e-15, 1e-15),
        },
    ),
    # tensorflow/python/framework/test_util.py, assertAllCloseAccordingToType.
    _Rule(
        Text(
            "tf",
            "TensorFlow assertAllCloseAccordingToType",
            _DATE,
            "https://github.com/tensorflow/tensorflow/blob/master/tensorflow/python/framework/test_util.py",
            "every element close, rtol = atol",
        ),
        {
            "f16": _Tolerance(1e-3, 1e-3),
            "bf16": _Tolerance(1e-2, 1e-2),
            "f32": _Tolerance(1e-6, 1e-6),
            "f64": _Tolerance(1e-6, 1e-6),
        },
    ),
    # onnx/backend/test/runner: fields of each case; these are the values commonly cited (not confirmed as defaults).
    _Rule(
        Text(
            "onnx",
            "ONNX backend tests, commonly cited tolerances",
            f"{_DATE}, not confirmed as defaults",
            "https://github.com/onnx/onnx/blob/main/onnx/backend/test/runner/__init__.py",
            "every element close: rtol 1e-3, atol 1e-7",
        ),
        dict.fromkeys(("f16", "bf16", "f32", "f64"), _Tolerance(1e-3, 1e-7)),
    ),
)


def _start(rule: _Rule, context: Context) -> Judge:
    row = rule.rows[context.format.name]
    return ShareOut(rule.text, context, isclose(row.rtol, row.atol), row.allowed, equal_nan=rule.equal_nan)


PROFILES: tuple[Profile, ...] = tuple(profile(rule.text, partial(_start, rule), rows=rule.rows) for rule in _RULES)
