"""The planted faults with the data that show them, what every profile says of them, and the table of it in the docs.

`python tests/verify/planted.py` writes the table anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import faults
import numpy as np

from bcelogits.golden import Case, Op, Operands, make_operands
from bcelogits.verify import CaseResult, Options, Status, judge
from bcelogits.verify.profiles import PROFILES

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
BEGIN, END = "<!-- table: begin -->\n", "<!-- table: end -->\n"

Point = Mapping[str, float]

_CORRECT: dict[Op, Callable[..., Any]] = {
    Op.LOSS: faults.correct,
    Op.BACKWARD: faults.correct_backward,
    Op.TARGET_BACKWARD: faults.correct_target_backward,
}

# A dual rule compares with a third party. One that has the fault itself hides it: precision reference, 2.4.
AGAINST_TORCH_FORM = ("cann-dual:L2", "msprobe-bench")
MANY = 1_000_000  # elements that are judged once only, as that takes seconds


@dataclass(frozen=True, eq=False)  # each is itself: a case has no hash
class Fault:
    """A faulty function, a case whose data show it, where the errors lie, and who must see it."""

    name: str
    function: Callable[..., Any]
    case: Case
    seen_by: tuple[str, ...]
    place: Callable[[Point], bool]  # of a worst point: its operands by name, and its index
    repeats: int = 1

    def outputs(self, function: Callable[..., Any], operands: Operands) -> list[Any]:
        """The results of as many calls as the fault needs to be seen."""
        case, given = self.case, operands.items()
        gradient = () if case.op is Op.LOSS else (given["grad_output"],)
        positional = [*gradient, given["logits"], given["targets"]]
        positional += [given["weight"]] if "weight" in given else []
        keywords = {"pos_weight": given["pos_weight"]} if "pos_weight" in given else {}
        return [function(*positional, **keywords, reduction=case.reduction) for _ in range(self.repeats)]


def _case(op: str, family: str, shape: tuple[int, ...], **fields: Any) -> Case:
    return Case(f"{op} {family}", Op(op), fields.pop("dtype", "f32"), shape, family=family, **fields)


def _everywhere(point: Point) -> bool:
    return True


_EASY = _case("loss", "easy-negatives", (8192,))
_CALIBRATED = _case("loss", "calibrated", (8192,))
_ANTICALIBRATED = _case("loss", "anticalibrated", (8192,))
_UNIFORM = _case("loss", "uniform", (96, 96))

FAULTS = (
    Fault(
        "two-term formula",
        faults.two_term,
        _EASY,
        ("ulp", "cann-mere", "cann-dual:L2", "msprobe-bench", "msprobe-abs"),
        lambda at: at["targets"] == 0 and at["logits"] < -5,
    ),
    Fault(
        "log instead of log1p",
        faults.log_not_log1p,
        _EASY,
        ("ulp", "cann-mere", "cann-dual:L2", "msprobe-abs"),
        lambda at: at["targets"] == 0 and at["logits"] < -5,
    ),
    Fault(
        "sigmoid(x) - t as the gradient",
        faults.sigmoid_minus_target,
        replace(_CALIBRATED, op=Op.BACKWARD),
        ("ulp", "cann-mere", "cann-dual:L2", "msprobe-abs"),
        lambda at: at["targets"] == 1 and at["logits"] > 5,
    ),
    Fault(
        "pos_weight without the max term",
        faults.no_max_term,
        _case("loss", "uniform", (128, 64), pos_weight=(64,)),
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "msprobe-single", "thousandth", "torch"),
        lambda at: at["targets"] > 0 and at["logits"] < 0,
    ),
    Fault(
        "mean over the batch only",
        faults.mean_over_batch,
        _case("loss", "normal", (64, 127), reduction="mean"),
        ("ulp", "cann-mixed", "cann-mere", "msprobe-single", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "mean over the sum of the weights",
        faults.mean_over_weights,
        _case("loss", "normal", (64, 127), reduction="mean", weight=(64, 127)),
        ("ulp", "cann-mixed", "cann-mere", "msprobe-single", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "gradient of the mean without 1/N",
        faults.mean_gradient_of_sum,
        _case("backward", "normal", (64, 127), reduction="mean"),
        ("ulp", "cann-mixed", "cann-mere", "msprobe-bench", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "float16 accumulation",
        faults.half_accumulation,
        _case("loss", "uniform", (100_000,), dtype="f16", reduction="mean"),
        ("ulp", "cann-mixed", "cann-mere", "msprobe-single", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "weight along the wrong dimension",
        faults.weight_along_rows,
        _case("loss", "uniform", (96, 96), weight=(96,)),
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "NaN at infinite logits",
        faults.nan_at_infinity,
        _case("loss", "specials", (1024,), options={"pattern": "mixed-inf"}),
        ("ulp", "cann-mixed", "cann-mere", "msprobe-abs", "sample-isclose", "torch", "jax"),
        lambda at: np.isinf(at["logits"]),
    ),
    Fault(
        "subnormal results flushed to zero",
        faults.flush_to_zero,
        _case("loss", "easy-negatives", (8192,), options={"mean": -92.0}),
        ("ulp",),
        lambda at: -104 < at["logits"] < -87.3,
    ),
    Fault(
        "one wrong element in 10^7",
        faults.one_element,
        _case("loss", "tail", (10_000_000,)),
        ("ulp", "cann-mixed", "torch", "jax", "cann-mere"),
        lambda at: at["index"] == faults.WRONG_ELEMENT,
    ),
    Fault(
        "transposed output",
        faults.transposed,
        _UNIFORM,
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "torch", "jax"),
        lambda at: at["index"] % 97 != 0,  # the diagonal stays
    ),
    Fault(
        "another result at every run",
        faults.race,
        _UNIFORM,
        ("determinism",),
        _everywhere,
        repeats=5,
    ),
    Fault(
        "probability clipped at 1e-7",
        faults.clipped_probability,
        _ANTICALIBRATED,
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "torch", "jax"),
        lambda at: abs(at["logits"]) > 10,
    ),
    Fault(
        "logarithm clamped at -100",
        faults.clamped_log,
        _case("loss", "uniform", (8192,), options={"low": -200.0, "high": 200.0, "targets": "hard"}),
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "thousandth", "torch", "jax"),
        lambda at: abs(at["logits"]) > 15,
    ),
    Fault(
        "exp(-x) overflows",
        faults.exp_overflow,
        _case("loss", "uniform", (8192,), options={"low": -120.0, "high": 120.0, "targets": "hard"}),
        ("ulp", "cann-mixed", "cann-mere", "msprobe-abs", "torch", "jax"),
        lambda at: at["logits"] < -88,
    ),
    Fault(
        "float16 inside",
        faults.native_half,
        _case("loss", "uniform", (65_536,), dtype="f16"),
        ("ulp",),
        _everywhere,
    ),
    Fault(
        "gradient through the probability",
        faults.through_probability,
        replace(_ANTICALIBRATED, op=Op.BACKWARD),
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "torch", "jax"),
        lambda at: abs(at["logits"]) > 10,
    ),
    Fault(
        "no slope at x = 0",
        faults.no_slope_at_zero,
        _case("backward", "zeros-logits", (1024,), options={"targets": "mixed"}),
        ("ulp", "cann-mixed", "cann-mere", "torch", "jax"),
        lambda at: at["logits"] == 0,
    ),
    Fault(
        "grad_output ignored",
        faults.grad_output_ignored,
        _case("backward", "uniform", (96, 96), grad_output=(96, 96)),
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "target gradient without pos_weight",
        faults.target_gradient_without_pos_weight,
        _case("target_backward", "normal", (128, 64), pos_weight=(64,)),
        ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "torch", "jax"),
        _everywhere,
    ),
    Fault(
        "float16 by truncation",
        faults.truncated,
        _case("loss", "uniform", (96, 96), dtype="f16"),
        ("ulp:cr",),
        _everywhere,
    ),
    Fault(
        "last elements not written",
        faults.unwritten_tail,
        _case("loss", "uniform", (1003,)),
        ("ulp", "cann-mixed", "cann-mere", "torch", "jax", "thousandth"),
        lambda at: at["index"] >= 960,
    ),
)


def _judged(fault: Fault, function: Callable[..., Any], options: Options) -> CaseResult:
    operands = make_operands(fault.case)
    first, *repeats = fault.outputs(function, operands)
    given = {**operands.items(), "op": fault.case.op, "reduction": fault.case.reduction}
    return judge(first, **given, name=fault.name, repeats=repeats, options=options)


@cache
def judged(fault: Fault) -> CaseResult:
    """The fault under every profile."""
    return _judged(fault, fault.function, Options(profiles=tuple(PROFILES)))


@cache
def judged_correct(fault: Fault) -> CaseResult:
    """The correct implementation on the same data."""
    return _judged(fault, _CORRECT[fault.case.op], Options(profiles=tuple(PROFILES)))


@cache
def columns(fault: Fault) -> dict[str, Status]:
    """What each column of the table says: a profile, or a dual profile against the two-term third party."""
    found = {verdict.profile: verdict.status for verdict in judged(fault).verdicts}
    result = {name: found[name] for name in PROFILES}
    for profile in AGAINST_TORCH_FORM:
        result[f"`{profile}` against the two-term form"] = Status.NOT_JUDGED
    if np.prod(fault.case.shape) < MANY:
        options = Options(profiles=AGAINST_TORCH_FORM, third="torch-form")
        for verdict in _judged(fault, fault.function, options).verdicts:
            if verdict.profile in AGAINST_TORCH_FORM:
                result[f"`{verdict.profile}` against the two-term form"] = verdict.status
    result["repeats are equal"] = found.get("determinism", Status.NOT_JUDGED)
    return result


# A standard's own editions and options are left out where they see the same.
COLUMNS = (
    *("ulp", "ulp:cr", "cann-mixed", "cann-mere", "cann-dual:L0", "cann-dual:L2"),
    *("msprobe-bench", "msprobe-abs", "msprobe-ulp", "msprobe-single", "thousandth", "ascendoptest"),
    *("sample-isclose", "ttk-close", "torch", "jax", "tf", "onnx"),
)
_MARKS = {Status.FAIL: "✓", Status.WARN: "warns", Status.PASS: "–", Status.NOT_JUDGED: ""}


def table() -> Iterator[str]:
    """The lines of the table: a row for each fault, a column for each profile."""
    extra = [name for name in columns(FAULTS[0]) if name not in PROFILES]
    yield "| fault | data | " + " | ".join([*(f"`{name}`" for name in COLUMNS), *extra]) + " |"
    yield "| --- | --- |" + " :-: |" * (len(COLUMNS) + len(extra))
    for fault in FAULTS:
        case, found = fault.case, columns(fault)
        data = [case.op.value, case.dtype, case.family, *([case.reduction] if case.reduction != "none" else [])]
        cells = [_MARKS[found[name]] for name in (*COLUMNS, *extra)]
        yield f"| {fault.name} | {' '.join(data)} | " + " | ".join(cells) + " |"


def page(text: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + "\n" + "\n".join(table()) + "\n\n" + END + after


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text()))
