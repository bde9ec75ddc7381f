"""Judging one output: its chunks go through the statistics and every profile once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from bcelogits._files.errors import InputError
from bcelogits._formats import FORMATS
from bcelogits._typing import Array
from bcelogits.golden.emulations import THIRD
from bcelogits.golden.problem import CHUNK, Problem, flat, short_name
from bcelogits.reference.truth import Op, Special
from bcelogits.verify._model import CaseResult, Chunk, Context, Metric, Status, Verdict
from bcelogits.verify._sources import Columns, Computed, OneArray, Source, saturated
from bcelogits.verify._statistics import Statistics
from bcelogits.verify.profiles import DEFAULT, get

__all__ = ["Options", "judge", "judge_golden", "judge_output", "not_judged", "worst"]

_SEVERITY = (Status.NOT_JUDGED, Status.PASS, Status.WARN, Status.FAIL)


@dataclass(frozen=True)
class Options:
    """How to judge.

    Attributes:
        profiles: names of profiles; `ulp` is added where it is missing.
        special: the truth at infinite operands.
        saturate: the device works in saturation mode: no infinity, no NaN.
        flush_subnormals: the device flushes subnormal results to 0.
        third: the third party of the dual rules, "stable-form" or "torch-form"; "" for none.
        msprobe_exact: msprobe's constants as in its code, typing errors included.
    """

    profiles: Sequence[str] = DEFAULT
    special: Special = Special.LIMIT
    saturate: bool = False
    flush_subnormals: bool = False
    third: str = "stable-form"
    msprobe_exact: bool = False

    def names(self) -> tuple[str, ...]:
        """The names of the profiles that judge, the one that sees every error among them."""
        asked = tuple(dict.fromkeys(self.profiles))
        return asked if any(name.split(":")[0] == "ulp" for name in asked) else (*asked, "ulp")

    def check(self) -> None:
        """Raise a ValueError for a name that there is not."""
        for name in self.names():
            get(name)
        if self.third and self.third not in THIRD:
            raise ValueError(f"third: {self.third!r}, expected one of {', '.join(THIRD)}")

    @property
    def third_wanted(self) -> str:
        """The third party, if a profile asks for one."""
        return self.third if any(get(name).needs_third for name in self.names()) else ""


def worst(statuses: Iterable[Status]) -> Status:
    """The worst of them; what could not be judged counts only if there is nothing else."""
    return max(statuses, key=_SEVERITY.index, default=Status.NOT_JUDGED)


def not_judged(name: str, op: Op, dtype: str, shape: tuple[int, ...], reduction: str, error: str) -> CaseResult:
    """The result of an output that is missing or unusable."""
    return CaseResult(name, op, dtype, shape, reduction, Status.NOT_JUDGED, error=error)


def _repeats(actual: Array, repeats: Sequence[Array]) -> Verdict:
    """Whether repeated outputs have the same bytes."""
    bits = np.dtype(f"u{actual.dtype.itemsize}")
    shape, differing, first = actual.shape, 0, -1
    for other in repeats:
        for start in range(0, actual.size, CHUNK):
            stop = min(start + CHUNK, actual.size)
            one, two = (np.ascontiguousarray(flat(a, shape, start, stop)).view(bits) for a in (actual, other))
            places = np.flatnonzero(one != two)
            if places.size and first < 0:
                first = start + int(places[0])
            differing += places.size
    passed = differing == 0
    metric = Metric("elements that differ", differing, 0, passed=passed)
    why = "" if passed else f"{differing} elements differ between {len(repeats) + 1} repeats, the first at {first}"
    return Verdict(
        profile="determinism",
        standard="repeated runs have equal bytes (CANN: deterministic by default; test kit level 1)",
        version="2026",
        status=Status.PASS if passed else Status.FAIL,
        metrics=(metric,),
        used=actual.size,
        why=why,
    )


def _ahead(chunks: Iterator[Columns]) -> Iterator[Columns]:
    """The chunks, each computed in another thread while the one before is judged: NumPy lets both go on."""
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(next, chunks, None)
        while (columns := pending.result()) is not None:
            pending = pool.submit(next, chunks, None)
            yield columns


def judge_output(
    actual: Array,
    source: Source,
    options: Options,
    *,
    name: str = "",
    repeats: Sequence[Array] = (),
    facts: Mapping[str, Any] | None = None,
    progress: Callable[[int], None] | None = None,
) -> CaseResult:
    """Judge an array of the output's dtype and shape against the columns of a source.

    Raises:
        InputError: the array has another dtype or shape than the output.
    """
    for given in (actual, *repeats):
        dtype = short_name(given, "actual")
        if dtype != source.dtype:
            raise InputError(f"actual: dtype {given.dtype}, expected {source.dtype}, that of the output")
        if given.shape != source.out_shape and not given.size == 1 == np.prod(source.out_shape, dtype=object):
            raise InputError(f"actual: shape {given.shape}, expected {source.out_shape}, that of the output")
    context = Context(
        op=source.op,
        format=FORMATS[source.dtype],
        count=actual.size,
        terms=source.terms,
        reduction=source.reduction,
        special=options.special,
        saturate=options.saturate,
        flush_subnormals=options.flush_subnormals,
        third=source.third,
        msprobe_exact=options.msprobe_exact,
    )
    statistics = Statistics(context)
    judges = [get(profile).start(context, statistics.ulp) for profile in options.names()]
    values = actual.reshape(source.out_shape)
    chunks = source.chunks(progress or (lambda elements: None))
    for columns in _ahead(chunks) if actual.size > CHUNK else chunks:
        if options.saturate:
            columns = saturated(columns, source.dtype)
        stop = columns.start + columns.golden.size
        computed = flat(values, source.out_shape, columns.start, stop).astype(np.float64)
        for part in Chunk(actual=computed, **vars(columns)).parts():
            statistics.add(part)  # the errors in ULP are gathered there for all
            for judge in judges:
                judge.add(part)
    verdicts = [judge.verdict() for judge in judges]
    if repeats:
        verdicts.append(_repeats(actual, repeats))
    return CaseResult(
        name=name,
        op=source.op,
        dtype=source.dtype,
        shape=source.out_shape,
        reduction=source.reduction,
        status=worst(verdict.status for verdict in verdicts),
        verdicts=tuple(verdicts),
        statistics=statistics.result(),
        facts=dict(facts or {}),
    )


def _as_array(value: Any, wide: bool) -> Array:
    """An operand as an array; a python number is read as the operator reads it."""
    if isinstance(value, (int, float)) and not isinstance(value, (bool, np.generic)):
        return np.asarray(value, np.float64 if wide else np.float32)
    return np.asarray(value)


def judge(
    actual: Any,
    *,
    logits: Any,
    targets: Any,
    weight: Any = None,
    pos_weight: Any = None,
    grad_output: Any = None,
    op: str = "loss",
    reduction: str = "none",
    name: str = "",
    repeats: Sequence[Any] = (),
    options: Options | None = None,
    progress: Callable[[int], None] | None = None,
) -> CaseResult:
    """Judge what an implementation made of these operands.

    Args:
        actual: its output, in the output's own dtype and shape (a reduced loss: one element).
        logits: any shape; float32, float16, bfloat16 or float64, any strides, memory-mapped files too.
        targets: of the logits' shape.
        weight: broadcasts to it, or a number.
        pos_weight: like `weight`.
        grad_output: of a gradient: broadcasts, or a number; 1 if None.
        op: "loss", "backward" or "target_backward".
        reduction: "none", "mean" or "sum".
        name: for the report.
        repeats: further outputs of the same call, which must have the same bytes.
        options: profiles and modes.
        progress: called with a number of elements as they are done.

    Returns:
        The verdicts, and the statistics that the reports draw. Memory is that of a few chunks of 2^18 elements.

    Raises:
        InputError: dtypes or shapes that do not fit each other; names which.
        ValueError: an unknown profile, operator, reduction or third party.

    >>> x = np.float32([-20, -3, 0, 5])
    >>> naive = np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))  # log instead of log1p
    >>> result = judge(naive, logits=x, targets=np.zeros(4, np.float32))
    >>> result.status, [(v.profile, str(v.status)) for v in result.verdicts]
    (<Status.FAIL: 'fail'>, [('cann-mixed', 'pass'), ('ulp', 'fail')])
    """
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction: {reduction!r}, expected none, mean or sum")
    if op not in tuple(Op):
        raise ValueError(f"op: {op!r}, expected one of {', '.join(Op)}")
    kind, chosen = Op(op), options or Options()
    if kind is Op.LOSS and grad_output is not None:
        raise ValueError("grad_output: given for op='loss', expected it for 'backward' or 'target_backward' alone")
    if kind is not Op.LOSS and grad_output is None:
        grad_output = 1.0
    given = {
        "logits": logits,
        "targets": targets,
        "weight": weight,
        "pos_weight": pos_weight,
        "grad_output": grad_output,
    }
    wide = any(getattr(value, "dtype", None) == np.float64 for value in given.values())
    operands = {key: _as_array(value, wide) for key, value in given.items() if value is not None}
    output, *others = (np.asarray(array) for array in (actual, *repeats))
    problem = Problem(kind, operands, reduction, short_name(output, "actual"), chosen.special)
    source = Computed(problem, chosen.third_wanted)
    return judge_output(output, source, chosen, name=name, repeats=others, progress=progress)


def judge_golden(
    actual: Any,
    golden: Any,
    *,
    op: str = "loss",
    reduction: str = "none",
    name: str = "",
    options: Options | None = None,
    progress: Callable[[int], None] | None = None,
) -> CaseResult:
    """Judge outputs against an array that stands for the truth, where the operands are not at hand.

    Args:
        actual: one output, or a sequence of outputs of the same call, which must have the same bytes.
        golden: float64, not rounded; or of the output's dtype, which leaves half an ULP of doubt in every figure.
        op: what the arrays are: "loss", "backward" or "target_backward".
        reduction: "none", "mean" or "sum".
        name: for the report.
        options: profiles and modes; dual rules are not judged, as a third party needs operands.
        progress: called with a number of elements as they are done.

    Raises:
        InputError: dtypes or shapes that do not fit each other; names which.

    >>> judge_golden(np.float16([0.5, 0.25]), np.array([0.5001, 0.25])).status
    <Status.PASS: 'pass'>
    """
    outputs = [np.asarray(each) for each in actual] if isinstance(actual, (list, tuple)) else [np.asarray(actual)]
    expected = np.asarray(golden)
    dtype = short_name(outputs[0], "actual")
    if short_name(expected, "golden") not in (dtype, "f64"):
        raise InputError(f"golden: dtype {expected.dtype}, expected float64 or {outputs[0].dtype}, that of actual")
    source = OneArray(expected, dtype, Op(op), reduction)
    return judge_output(outputs[0], source, options or Options(), name=name, repeats=outputs[1:], progress=progress)
