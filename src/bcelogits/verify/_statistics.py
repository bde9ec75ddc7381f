"""The statistics of one output: everything that the report draws, gathered in one pass with bounded memory.

Errors in ULP are those of the profile `ulp`, gathered once for both: see `_ulp`.

`Statistics.result()` is plain JSON data; numbers that JSON does not have are the texts "inf", "-inf" and "nan". Its
keys:

`elements`
    How many elements were seen.
`ulp`, `third_ulp`
    Errors in ULP of the device and, if there is one, of the third party (else None): `measured` elements; `exact`, of
    these without any error; `not_correctly_rounded`, elements that differ from the golden value rounded once; `max`,
    `mean`, `p50`, `p99`, `p999` of the magnitude; `bias`, the mean of the signed error; `over`: limit -> elements
    beyond it. The figures are None where nothing was measured. Quantiles are at most 1.6 % too large.
`histogram`
    `edges` of magnitudes in ULP, `positive` and `negative` counts between them ([edge, next edge)), `exact`: errors 0.
`by_logit`
    Columns of the picture "error against logit", None for a reduced output: `axis` ("linear" or "symlog"), `span`
    (least and largest finite logit), and for each column `low`, `high`, `count`, `mean`, `p99`, `max` (ULP) and
    `golden_at_max`, the golden value where the error is largest.
`by_golden`
    Bins of |golden|, None if all are 0 or not finite: `low`, `high`, `count`, geometric means `golden` and `actual`
    (of those not 0), `actual_min`, `actual_max`, `zeros` (actual values of 0), `sign_differs`.
`zeros`
    Elements that are 0 though the golden value is not: `explained` (0 is less than an ULP away, or the golden value is
    subnormal and the device flushes), `unexplained`.
`confusion`
    `classes`, and `counts`: a row for every class of the golden value (rounded to the dtype), a column for every class
    of the actual one.
`mismatched`
    Elements whose error is unbounded: NaN or an infinity where the golden has not the same (an infinity of the right
    sign where the golden is finite is measured, as if it were 2**(emax + 1)).
`flags`
    For every flag of the golden data: `count` and `differ`, elements where the actual value is not the rounded golden.
`small_domains`
    For each published pair of limits: `source`, `small`, `error`, `inclusive`, `count`, `errors`, `third_errors`,
    `ratio` (errors / max(third_errors, 1); both None without a third party).
`dual`
    Rows `figure`, `actual`, `third`, `ratio` (denominator at least 1e-7); None without a third party.
`worst`
    At most ten points that differ in inputs or results: `index` (C order), `inputs` by name, `actual`, `golden`,
    `rounded`, `ulp` as texts that give the values again, `flags`. "inf" ULP is a mismatched element.
`third`
    What the third-party column is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from bcelogits._typing import Float64Array, IntArray, Mask
from bcelogits.reference.truth import Flag
from bcelogits.verify._measures import RelativeErrors
from bcelogits.verify._model import Chunk, Context
from bcelogits.verify._panels import ErrorByLogit, ResultByGolden
from bcelogits.verify._plain import plain
from bcelogits.verify._ulp import UlpColumn
from bcelogits.verify._worst_points import WorstPoints
from bcelogits.verify.profiles.small_domains import SMALL_DOMAINS

__all__ = ["Statistics"]

CLASSES = ("finite", "+inf", "-inf", "nan")
_LEAST = 1e-7  # denominator of a ratio of the dual rules


class Statistics:
    """Gathers the statistics of one output.

    Example:
        >>> import numpy as np
        >>> from bcelogits._formats import FORMATS
        >>> from bcelogits.reference.truth import Op
        >>> from bcelogits.verify._model import Chunk, Context
        >>> from bcelogits.verify._statistics import Statistics
        >>> golden = np.array([0.5, 1.0, 2.0])
        >>> actual = golden + np.array([0.0, 2.0**-23, 0.0])
        >>> chunk = Chunk(0, actual, golden, np.zeros(3), golden, golden, np.zeros(3, np.uint8), None, {})
        >>> statistics = Statistics(Context(Op.LOSS, FORMATS["f32"], count=3, terms=3))
        >>> statistics.add(chunk)
        >>> found = statistics.result()
        >>> found["ulp"]["max"], found["ulp"]["exact"], found["worst"][0]["index"]
        (1.0, 2, 1)
    """

    def __init__(self, context: Context) -> None:
        """Nothing seen of the output that `context` describes."""
        self._context = context
        self._elements = 0
        self.ulp = UlpColumn(context)
        self._third: UlpColumn | None = None
        self._relative, self._third_relative = RelativeErrors(), RelativeErrors()
        self._confusion = np.zeros(len(CLASSES) ** 2, np.int64)
        self._flags = {flag: [0, 0] for flag in Flag}
        self._zeros = 0
        self._domains = SMALL_DOMAINS[context.format.name]
        self._small = [[0, 0, 0] for _ in self._domains]
        self._by_logit = ErrorByLogit()
        self._by_golden = ResultByGolden()
        self._worst = WorstPoints(context.format.name == "f64", context.count)

    def add(self, chunk: Chunk) -> None:
        """Take one chunk; all columns must be of one length."""
        if not chunk.golden.size:
            return
        with np.errstate(all="ignore"):
            self._add(chunk)

    def _add(self, chunk: Chunk) -> None:
        self._elements += chunk.golden.size
        errors = self.ulp.add(chunk)
        magnitude = np.abs(errors.signed)
        self._confuse(chunk)
        self._by_golden.add(*_kept(np.isfinite(chunk.actual) & np.isfinite(chunk.golden), chunk.golden, chunk.actual))
        if chunk.third is not None:
            self._third = self._third or UlpColumn(self._context)
            other = replace(chunk, actual=chunk.third)
            self._third.add(other)
            for relative, column in ((self._relative, chunk), (self._third_relative, other)):
                relative.add(np.abs(column.error()), column, np.isfinite(column.actual) & np.isfinite(column.golden))
        if chunk.flags.any():
            same = _same(chunk.actual, chunk.rounded)
            for flag, counts in self._flags.items():
                flagged = (chunk.flags & flag) != 0
                counts[0] += int(np.count_nonzero(flagged))
                counts[1] += int(np.count_nonzero(flagged & ~same))
        self._zeros += int(np.count_nonzero((chunk.actual == 0) & (chunk.golden != 0) & ~np.isnan(chunk.golden)))
        self._count_small(chunk)
        logits = chunk.inputs.get("logits")
        if logits is not None:
            self._by_logit.add(*_kept(errors.measured, logits, magnitude, chunk.golden))
        self._worst.add(chunk, errors.signed, magnitude, np.flatnonzero(errors.mismatch))

    def _confuse(self, chunk: Chunk) -> None:
        golden, actual = _classes(chunk.rounded), _classes(chunk.actual)
        if golden is None and actual is None:
            self._confusion[0] += chunk.golden.size
            return
        none = np.zeros(chunk.golden.size, np.int64)
        pairs = (none if golden is None else golden) * len(CLASSES) + (none if actual is None else actual)
        self._confusion += np.bincount(pairs, minlength=self._confusion.size)

    def _count_small(self, chunk: Chunk) -> None:
        magnitude = np.abs(chunk.golden)
        for domain, counts in zip(self._domains, self._small, strict=True):
            small = np.flatnonzero(domain.masks(magnitude))
            counts[0] += small.size
            golden = chunk.golden[small]
            # not "> error": a NaN errs too
            counts[1] += int(np.count_nonzero(~(np.abs(chunk.actual[small] - golden) <= domain.error)))
            if chunk.third is not None:
                counts[2] += int(np.count_nonzero(~(np.abs(chunk.third[small] - golden) <= domain.error)))

    def result(self) -> dict[str, Any]:
        """The statistics as plain JSON data; the module's documentation has the keys."""
        matrix, unexplained = self._confusion.reshape(len(CLASSES), -1), self.ulp.unexplained_zeros
        found = {
            "elements": self._elements,
            "ulp": self.ulp.figures(),
            "third_ulp": None if self._third is None else self._third.figures(),
            "third": self._context.third,
            "histogram": self.ulp.histogram(),
            "by_logit": self._by_logit.result(),
            "by_golden": self._by_golden.result(),
            "zeros": {"explained": self._zeros - unexplained, "unexplained": unexplained},
            "confusion": {"classes": list(CLASSES), "counts": matrix.tolist()},
            "mismatched": self.ulp.mismatched,
            "flags": {
                str(flag.name).lower(): {"count": count, "differ": differ}
                for flag, (count, differ) in self._flags.items()
            },
            "small_domains": self._small_domains(),
            "dual": self._dual(),
            "worst": self._worst.result(),
        }
        as_json: dict[str, Any] = plain(found)
        return as_json

    def _small_domains(self) -> list[dict[str, Any]]:
        rows = []
        for domain, (count, errors, third) in zip(self._domains, self._small, strict=True):
            row = {"source": domain.source, "small": domain.small, "error": domain.error}
            row |= {"inclusive": domain.inclusive, "count": count, "errors": errors}
            known = self._third is not None
            row |= {"third_errors": third if known else None, "ratio": errors / max(third, 1) if known else None}
            rows.append(row)
        return rows

    def _dual(self) -> list[dict[str, Any]] | None:
        if self._third is None:
            return None
        device, third = _dual(self._relative, self.ulp), _dual(self._third_relative, self._third)
        return [
            {"figure": name, "actual": value, "third": third[name], "ratio": value / max(third[name], _LEAST)}
            for name, value in device.items()
        ]


def _dual(relative: RelativeErrors, ulp: UlpColumn) -> dict[str, float]:
    """The figures whose ratios the dual rules judge, and those that show what the ratios hide."""
    return {
        "max relative error": relative.largest.value,
        "mean relative error": relative.mean,
        "RMSE": relative.rmse,
        "max absolute error": relative.largest_absolute.value,
        "max ULP": ulp.largest.value,
        "mean ULP": ulp.mean,
    }


def _classes(values: Float64Array) -> IntArray | None:
    """The place of every value in `CLASSES`; None if all are finite."""
    if np.isfinite(values).all():
        return None
    found = np.zeros(values.shape, np.int64)
    found[values == np.inf] = 1
    found[values == -np.inf] = 2
    found[np.isnan(values)] = 3
    return found


def _same(first: Float64Array, second: Float64Array) -> Mask:
    """Where two columns have the same value; NaN is NaN, and zeros are equal whatever their sign."""
    same = first == second
    if not same.all():
        same |= np.isnan(first) & np.isnan(second)
    return np.asarray(same)


def _kept(mask: Mask, *columns: Float64Array) -> tuple[Float64Array, ...]:
    return columns if mask.all() else tuple(column[mask] for column in columns)
