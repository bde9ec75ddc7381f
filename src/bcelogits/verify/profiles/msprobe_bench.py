"""msprobe's way with this operator: stage A against the golden alone, then stage B, the benchmark comparison."""

from __future__ import annotations

import math

import numpy as np

from bcelogits._typing import Float64Array, Mask
from bcelogits.reference.sums import IntegerSum
from bcelogits.verify._model import Chunk, Context, Metric, Status, Verdict
from bcelogits.verify._summary import Largest

from ._common import Frame, first_failure, judged, points, profile, share, stated
from ._msprobe import NUMBERS, Numbers, relative, small_error, text

__all__ = ["PROFILES"]

# Stage A (compare/compare.py, core/common/const.py): the cosine has to be above this; a smaller absolute error ends the
# stage; then the share of relative errors below d has to exceed 1 - d, for an error and for a warning.
_COSINE = 0.99
_ABSOLUTE = 1e-3
_SHARES = {"f16": (1e-2, 1e-3), "bf16": (1e-2, 1e-3), "f32": (1e-3, 1e-4)}
_ZERO = 2.0**-52  # a column up to here counts as all zero
# Stage B (precision_standard/standard_config.py): the limits of the ratios to the third party.
_RATIOS = {"small-value error share": 2.0, "RMSE": 2.0, "max relative error": 10.0, "mean relative error": 2.0}
_BALANCE = 2.0  # stated only

_TEXT = text(
    "msprobe-bench",
    "benchmark comparison",
    "cosine and shares of relative errors, then errors at most 2 (largest: 10) times a third party's",
)


class _StageA:
    """Cosine, largest absolute error, shares of relative errors.

    Points where both sides are the same infinity or NaN count as right. With `msprobe_exact` any of them makes the
    cosine NaN, which is an error, as in the tool; so does, always, one that is not the same.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._numbers = NUMBERS[context.format.name]
        self._limits = _SHARES[context.format.name]
        self._dot, self._actual, self._golden = IntegerSum(), IntegerSum(), IntegerSum()
        self._magnitudes = [0.0, 0.0]  # the largest of the actual values and of the golden
        self._largest = Largest()
        self._below = [0, 0]
        self._count = self._undefined = 0

    def add(self, chunk: Chunk) -> None:
        point = points(chunk.actual, chunk.rounded)
        exact = self._context.msprobe_exact
        self._undefined += int(np.count_nonzero(~point.finite if exact else point.clash))
        self._count += chunk.actual.size
        size = np.abs(chunk.error())
        self._largest.add(size, point.finite, chunk.rounded, chunk.start)
        errors = relative(size, chunk.golden, self._numbers)
        for at, limit in enumerate(self._limits):
            right = (point.finite & (errors < limit)) | (point.agree & (not exact))
            self._below[at] += int(np.count_nonzero(right))
        actual, golden = chunk.actual[point.finite], chunk.golden[point.finite]
        if not actual.size:
            return
        self._dot.add(actual * golden)
        self._actual.add(np.square(actual))
        self._golden.add(np.square(golden))
        self._magnitudes[0] = max(self._magnitudes[0], float(np.abs(actual).max()))
        self._magnitudes[1] = max(self._magnitudes[1], float(np.abs(golden).max()))

    def _cosine(self) -> Metric:
        name = "A: cosine"
        if self._count == 1:
            return stated(name, None, "one element: skipped")
        if self._undefined:
            note = f"{self._undefined} points with inf or NaN"
            return judged(name, math.nan, ">", _COSINE, note)
        zero = [magnitude <= _ZERO for magnitude in self._magnitudes]
        if all(zero):
            return stated(name, None, "both all zero (up to 2**-52): skipped")
        if any(zero):
            return judged(name, 0.0, ">", _COSINE, f"the {'device' if zero[0] else 'golden'} alone is all zero")
        norm = math.sqrt(self._actual.value) * math.sqrt(self._golden.value)
        return judged(name, min(1.0, max(-1.0, self._dot.value / norm)), ">", _COSINE)

    def outcome(self) -> tuple[Status, list[Metric]]:
        cosine = self._cosine()
        if cosine.passed is False:
            return Status.FAIL, [cosine]
        largest = self._largest.value
        name = "A: max absolute error"
        if largest < _ABSOLUTE and not self._undefined:
            return Status.PASS, [cosine, judged(name, largest, "<", _ABSOLUTE, "ends stage A")]
        metrics = [cosine, stated(name, largest, f"below {_ABSOLUTE:g} it would end stage A")]
        for status, limit, below in zip((Status.FAIL, Status.WARN), self._limits, self._below, strict=True):
            note = "an error" if status is Status.FAIL else "a warning"
            name = f"A: share of relative errors < {limit:g}"
            metrics.append(judged(name, share(below, self._count), ">", 1 - limit, note))
            if not metrics[-1].passed:
                return status, metrics
        return Status.PASS, metrics


class _Column:
    """Stage B's figures of one column: the device's or the third party's."""

    def __init__(self, context: Context) -> None:
        self._numbers = NUMBERS[context.format.name]
        self._small_limit = small_error(context, "benchmark")
        self._square, self._relative, self._largest = IntegerSum(), IntegerSum(), Largest()
        self._small = self._small_errors = self._larger = self._smaller = 0
        self.normal = 0
        self._count = 0

    def add(self, actual: Float64Array, chunk: Chunk) -> None:
        finite: Mask = points(actual, chunk.rounded).finite
        magnitude = np.abs(chunk.golden)
        small = finite & (magnitude <= self._numbers.small)
        normal = finite & ~small
        size = np.abs(chunk.error(actual))
        self._small += int(np.count_nonzero(small))
        self._small_errors += int(np.count_nonzero(small & (size > self._small_limit)))
        self._square.add(np.where(normal, np.square(size), 0.0))
        errors = relative(size, chunk.golden, self._numbers)
        self._relative.add(errors[normal])
        self._largest.add(errors, normal, chunk.rounded, chunk.start)
        self._larger += int(np.count_nonzero(actual > chunk.rounded))
        self._smaller += int(np.count_nonzero(actual < chunk.rounded))
        self.normal += int(np.count_nonzero(normal))
        self._count += actual.size

    def figures(self) -> dict[str, float]:
        """The figures whose ratios are judged, by the names of `_RATIOS`."""
        masked = self._count - self.normal
        mean = self._square.mean * (self._count / (self._count - masked + 1e-4) + 1e-4)
        return {
            "small-value error share": share(self._small_errors, self._small),
            "RMSE": math.sqrt(mean),
            "max relative error": self._largest.value,
            "mean relative error": self._relative.mean,
        }

    @property
    def balance(self) -> float:
        """|#(a > g) - #(a < g)| / N, the golden rounded to the device's dtype."""
        return share(abs(self._larger - self._smaller), self._count)


class _Bench(Frame):
    holds_of_nothing = False

    def __init__(self, context: Context) -> None:
        super().__init__(_TEXT, context)
        self._numbers: Numbers = NUMBERS[context.format.name]
        self._stage_a = _StageA(context)
        self._device, self._third = _Column(context), _Column(context)
        self._missing = False

    def take(self, chunk: Chunk) -> None:
        self._stage_a.add(chunk)
        self._device.add(chunk.actual, chunk)
        if chunk.third is None:
            self._missing = True
        else:
            self._third.add(chunk.third, chunk)
        self.used = self._device.normal
        self.masked = self._seen - self.used

    def metrics(self) -> list[Metric]:
        """The metrics of stage B."""
        third, floor = self._third.figures(), self._numbers.floor
        found = []
        for name, value in self._device.figures().items():
            note = f"{value:.6g} to {third[name]:.6g}, at least {floor:g}"
            found.append(judged(f"B: {name} ratio", value / max(third[name], floor), "<=", _RATIOS[name], note))
        balance = self._device.balance / max(self._third.balance, floor)
        return [*found, stated("B: error balance ratio", balance, f"for information; msprobe names {_BALANCE:g}")]

    def verdict(self) -> Verdict:
        if not self._seen:
            return super().verdict()
        status, stage_a = self._stage_a.outcome()
        if self._missing:
            if status is Status.FAIL:
                return self.say(status, stage_a, first_failure(stage_a))
            why = f"stage A says {status}; stage B needs the results of a third party"
            return self.say(Status.NOT_JUDGED, stage_a, why)
        stage_b = self.metrics()
        why = first_failure(stage_a) or first_failure(stage_b)
        if first_failure(stage_b):
            if status is Status.WARN:
                why = first_failure(stage_b)
            status = Status.FAIL
        return self.say(status, [*stage_a, *stage_b], why)


PROFILES = (profile(_TEXT, _Bench, rows=NUMBERS, needs_third=True),)
