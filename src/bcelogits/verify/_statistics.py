"""The statistics of one output: everything that the report draws, gathered in one pass with bounded memory.

Errors in ULP are those of the profile `ulp`: see `profiles._ulp_error`.

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

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bcelogits._typing import Float64Array
from bcelogits.reference.truth import Flag
from bcelogits.verify._measures import SMALL_DOMAINS, Column
from bcelogits.verify._model import Chunk, Context
from bcelogits.verify._panels import ErrorByLogit, ResultByGolden
from bcelogits.verify._worst import Worst
from bcelogits.verify.profiles._ulp_error import UlpErrors, ulp_errors

__all__ = ["Statistics"]

CLASSES = ("finite", "+inf", "-inf", "nan")
_BLOCK = 1 << 15  # elements worked on at once: temporary arrays stay in the cache


class Statistics:
    """Gathers the statistics of one output.

    Example:
        >>> import numpy as np
        >>> from bcelogits.golden._model import FORMATS, Op
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
        self._device, self._third = Column(), Column()
        self._has_third = False
        self._confusion = np.zeros(len(CLASSES) ** 2, np.int64)
        self._flags = {flag: [0, 0] for flag in Flag}
        self._explained = self._unexplained = 0
        self._domains = SMALL_DOMAINS[context.format.name]
        self._small = [[0, 0, 0] for _ in self._domains]
        self._mismatched = 0
        self._by_logit = ErrorByLogit()
        self._by_golden = ResultByGolden()
        self._worst = Worst(context.format.name == "f64", context.count)

    def add(self, chunk: Chunk) -> None:
        """Take one run of elements; all columns must be of one length."""
        with np.errstate(all="ignore"):
            for block in _blocks(chunk):
                self._add(block)

    def _add(self, block: Chunk) -> None:
        self._elements += block.golden.size
        errors = ulp_errors(block, self._context)
        magnitude = np.abs(errors.signed)
        same = _same(block.actual, block.rounded)
        self._confuse(block)
        self._column(self._device, block, errors, magnitude)
        self._device.not_rounded += int(same.size - np.count_nonzero(same))
        if block.third is not None:
            self._has_third = True
            other = replace(block, actual=block.third)
            found = ulp_errors(other, self._context)
            self._column(self._third, other, found, np.abs(found.signed))
            self._third.not_rounded += int(np.count_nonzero(~_same(block.third, block.rounded)))
        if block.flags.any():
            for flag, counts in self._flags.items():
                flagged = (block.flags & flag) != 0
                counts[0] += int(np.count_nonzero(flagged))
                counts[1] += int(np.count_nonzero(flagged & ~same))
        self._count_zeros(block, errors)
        self._count_small(block)
        logits = block.inputs.get("logits")
        if logits is not None:
            self._by_logit.add(*_kept(errors.measured, logits, magnitude, block.golden))
        mismatch = np.flatnonzero(errors.mismatch)
        self._mismatched += mismatch.size
        self._worst.add(block, errors.signed, magnitude, mismatch)

    def _confuse(self, block: Chunk) -> None:
        golden, actual = _classes(block.rounded), _classes(block.actual)
        if golden is None and actual is None:
            self._confusion[0] += block.golden.size
            return
        none = np.zeros(block.golden.size, np.int64)
        pairs = (none if golden is None else golden) * len(CLASSES) + (none if actual is None else actual)
        self._confusion += np.bincount(pairs, minlength=self._confusion.size)

    def _column(self, column: Column, block: Chunk, errors: UlpErrors, magnitude: Float64Array) -> None:
        column.add_ulp(*_kept(errors.measured, errors.signed, magnitude))
        finite = np.isfinite(block.actual) & np.isfinite(block.golden)
        golden, actual, low = _kept(finite, block.golden, block.actual, block.low)
        column.add_absolute(golden, actual, low)
        if column is self._device:
            self._by_golden.add(golden, actual)

    def _count_zeros(self, block: Chunk, errors: UlpErrors) -> None:
        zero = np.flatnonzero(block.actual == 0)
        golden = block.golden[zero]
        lost = (golden != 0) & ~np.isnan(golden)
        excused = (block.rounded[zero] == 0) | errors.flushed[zero] | (np.abs(errors.signed[zero]) < 1)
        explained = lost & excused
        self._explained += int(np.count_nonzero(explained))
        self._unexplained += int(np.count_nonzero(lost) - np.count_nonzero(explained))

    def _count_small(self, block: Chunk) -> None:
        magnitude = np.abs(block.golden)
        for domain, counts in zip(self._domains, self._small, strict=True):
            small = np.flatnonzero(domain.masks(magnitude))
            counts[0] += small.size
            golden = block.golden[small]
            # not "> error": a NaN errs too
            counts[1] += int(np.count_nonzero(~(np.abs(block.actual[small] - golden) <= domain.error)))
            if block.third is not None:
                counts[2] += int(np.count_nonzero(~(np.abs(block.third[small] - golden) <= domain.error)))

    def result(self) -> dict[str, Any]:
        """The statistics as plain JSON data; the module's documentation has the keys."""
        matrix = self._confusion.reshape(len(CLASSES), -1)
        found = {
            "elements": self._elements,
            "ulp": self._device.ulp(),
            "third_ulp": self._third.ulp() if self._has_third else None,
            "third": self._context.third,
            "histogram": self._device.histogram(),
            "by_logit": self._by_logit.result(),
            "by_golden": self._by_golden.result(),
            "zeros": {"explained": self._explained, "unexplained": self._unexplained},
            "confusion": {"classes": list(CLASSES), "counts": matrix.tolist()},
            "mismatched": self._mismatched,
            "flags": {
                str(flag.name).lower(): {"count": count, "differ": differ}
                for flag, (count, differ) in self._flags.items()
            },
            "small_domains": self._small_domains(),
            "dual": self._dual(),
            "worst": self._worst.result(),
        }
        plain: dict[str, Any] = _plain(found)
        return plain

    def _small_domains(self) -> list[dict[str, Any]]:
        rows = []
        for domain, (count, errors, third) in zip(self._domains, self._small, strict=True):
            row = {"source": domain.source, "small": domain.small, "error": domain.error}
            row |= {"inclusive": domain.inclusive, "count": count, "errors": errors}
            row |= {
                "third_errors": third if self._has_third else None,
                "ratio": errors / max(third, 1) if self._has_third else None,
            }
            rows.append(row)
        return rows

    def _dual(self) -> list[dict[str, Any]] | None:
        if not self._has_third:
            return None
        device, third = self._device.dual(), self._third.dual()
        return [
            {"figure": name, "actual": value, "third": third[name], "ratio": value / max(third[name], 1e-7)}
            for name, value in device.items()
        ]


def _blocks(chunk: Chunk) -> Iterator[Chunk]:
    size = chunk.golden.size
    if size <= _BLOCK:
        if size:
            yield chunk
        return
    for start in range(0, size, _BLOCK):
        part = slice(start, start + _BLOCK)
        yield replace(
            chunk,
            start=chunk.start + start,
            actual=chunk.actual[part],
            golden=chunk.golden[part],
            low=chunk.low[part],
            rounded=chunk.rounded[part],
            scale=chunk.scale[part],
            flags=chunk.flags[part],
            third=None if chunk.third is None else chunk.third[part],
            inputs={name: values[part] for name, values in chunk.inputs.items()},
        )


def _classes(values: Float64Array) -> npt.NDArray[np.int64] | None:
    """The place of every value in `CLASSES`; None if all are finite."""
    if np.isfinite(values).all():
        return None
    found = np.zeros(values.shape, np.int64)
    found[values == np.inf] = 1
    found[values == -np.inf] = 2
    found[np.isnan(values)] = 3
    return found


def _same(first: Float64Array, second: Float64Array) -> npt.NDArray[np.bool_]:
    """Where two columns have the same value; NaN is NaN, and zeros are equal whatever their sign."""
    same = first == second
    if not same.all():
        same |= np.isnan(first) & np.isnan(second)
    return np.asarray(same)


def _kept(mask: npt.NDArray[np.bool_], *columns: Float64Array) -> tuple[Float64Array, ...]:
    return columns if mask.all() else tuple(column[mask] for column in columns)


def _plain(value: Any) -> Any:
    """The same data without what JSON does not have."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
