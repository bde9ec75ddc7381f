"""The worst points of an output: the few that are worth looking at one by one, with what they were computed from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from bcelogits._typing import Float64Array, IntArray
from bcelogits.reference.truth import Flag
from bcelogits.verify._model import Chunk

__all__ = ["WorstPoints", "shortest"]

KEPT = 10


def shortest(value: float, float64: bool = False) -> str:
    """The shortest text that gives the value again when it is read as float32, or as float64 if it must be.

    Values of the 16-bit formats are values of float32. With `float64` the text is for float64 in any case.
    """
    if not float64 and (math.isnan(value) or abs(value) <= float(np.finfo(np.float32).max) or math.isinf(value)):
        narrow = np.float32(value)
        if float(narrow) == value or math.isnan(value):
            return str(narrow)
    return repr(float(value))


class WorstPoints:
    """The points with the largest |error| in ULP that differ in their inputs or results, the first of equal ones."""

    def __init__(self, float64: bool, count: int) -> None:
        """No points yet; `float64`: the output's dtype is float64; `count`: how many elements will come.

        A point without any error is none of the worst, except where there are so few that all can be shown.
        """
        self._float64 = float64
        self._least = -1.0 if count <= KEPT else 0.0
        self._found: list[tuple[float, int, bytes, dict[str, Any]]] = []

    def add(self, chunk: Chunk, error: Float64Array, magnitude: Float64Array, wrong: IntArray) -> None:
        """Take signed errors in ULP and their magnitudes; `wrong` are the elements whose error is unbounded."""
        if wrong.size:
            magnitude = magnitude.copy()
            magnitude[wrong] = np.inf
        candidates = np.flatnonzero(magnitude > self._limit())
        if not candidates.size:
            return
        levels = np.unique(magnitude[candidates])[::-1][:KEPT]  # in 16-bit dtypes most points come many times
        known = {key for _, _, key, _ in self._found}
        for level in levels.tolist():
            if level <= self._limit():
                break
            places = candidates[magnitude[candidates] == level]
            for place, key in _distinct(chunk, places):
                if key not in known:
                    known.add(key)
                    point = self._point(chunk, place, float(error[place]), level)
                    self._found.append((level, -point["index"], key, point))
            self._found.sort(key=lambda entry: entry[:2], reverse=True)
            del self._found[KEPT:]

    def _limit(self) -> float:
        return self._found[-1][0] if len(self._found) == KEPT else self._least

    def _point(self, chunk: Chunk, place: int, error: float, magnitude: float) -> dict[str, Any]:
        flags = int(chunk.flags[place])
        return {
            "index": chunk.start + place,
            "inputs": {name: shortest(float(v[place]), self._float64) for name, v in chunk.inputs.items()},
            "actual": shortest(float(chunk.actual[place]), self._float64),
            "golden": repr(float(chunk.golden[place])),
            "rounded": shortest(float(chunk.rounded[place]), self._float64),
            "ulp": "inf" if math.isinf(magnitude) else f"{error:.6g}",
            "flags": [str(flag.name).lower() for flag in Flag if flags & flag],
        }

    def result(self) -> list[dict[str, Any]]:
        """The points, the worst one first."""
        return [point for _, _, _, point in self._found]


def _distinct(chunk: Chunk, places: IntArray) -> list[tuple[int, bytes]]:
    """The first KEPT of the elements that differ in inputs, golden or actual value, each with what tells it apart."""
    columns = np.column_stack([column[places] for column in (*chunk.inputs.values(), chunk.golden, chunk.actual)])
    bits = np.ascontiguousarray(columns).view(np.int64)
    if places.size > KEPT:
        chosen = np.sort(np.unique(bits, axis=0, return_index=True)[1])[:KEPT]
        places, bits = places[chosen], bits[chosen]
    return [(place, row.tobytes()) for place, row in zip(places.tolist(), bits, strict=True)]
