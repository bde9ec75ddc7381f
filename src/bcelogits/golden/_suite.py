"""Suites: TOML files that describe many cases in few lines; every list in an entry is a choice, and all are combined.

The schema, with its defaults; see docs/verify.md::

    seed = 0                       # added to the number of each case, so that no two cases draw the same data

    [[cases]]
    name = "multi-label"           # start of the names of its cases
    op = ["loss", "backward"]      # loss, backward, target_backward
    dtype = ["f32", "bf16"]        # f32, f16, bf16, f64
    shape = [[1024, 80], [7]]      # one shape, or a list of them
    reduction = ["none", "mean"]   # none, mean, sum
    family = "calibrated"          # golden.FAMILIES
    weight = "none"                # none, scalar, last, column, full, or a shape; a list of these is a choice
    pos_weight = ["none", "last"]
    grad_output = "scalar"         # of gradients; the same words but "none"
    layouts = {logits = "transposed"}   # golden.LAYOUTS, by operand
    dtypes = {weight = "f32"}      # operands whose dtype differs; "out" is the output
    options = {}                   # of the family
    repeat = 1                     # so many cases of each, with other data

A choice that means nothing is left out: "column" of a shape with fewer than two dimensions.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any, TypeGuard

from bcelogits._formats import FORMATS
from bcelogits._typing import Shape
from bcelogits.golden._families import FAMILIES
from bcelogits.golden._layouts import LAYOUTS
from bcelogits.golden._model import Case
from bcelogits.reference.truth import Op

__all__ = ["PRESETS", "load_suite", "parse_suite"]

PRESETS = ("smoke", "standard", "tail")

_OPERANDS = ("logits", "targets", "weight", "pos_weight", "grad_output")
_REDUCTIONS = ("none", "mean", "sum")
_WORDS = ("none", "scalar", "last", "column", "full")
_DEFAULTS: dict[str, Any] = {
    "name": "",
    "op": "loss",
    "dtype": "f32",
    "shape": None,
    "reduction": "none",
    "family": "uniform",
    "weight": "none",
    "pos_weight": "none",
    "grad_output": "scalar",
    "layouts": {},
    "dtypes": {},
    "options": {},
    "repeat": 1,
}


def _one_of(where: str, value: object, allowed: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise ValueError(f"{where}: {value!r}, expected one of {', '.join(allowed)}")
    return value


def _choices(where: str, value: object, allowed: tuple[str, ...]) -> list[str]:
    given = value if isinstance(value, list) else [value]
    return [_one_of(where, each, allowed) for each in given]


def _is_shape(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(n) is int and n >= 0 for n in value)


def _shapes(where: str, value: Any) -> list[Shape]:
    given = [value] if _is_shape(value) else value
    if not isinstance(given, list) or not given or not all(map(_is_shape, given)):
        raise ValueError(f"{where}: {value!r}, expected a shape like [128, 10], or a list of shapes")
    return [tuple(shape) for shape in given]


def _patterns(where: str, value: Any) -> list[str | Shape]:
    """What a weight may be: words, and shapes."""
    given = value if isinstance(value, list) and not _is_shape(value) else [value]
    return [tuple(v) if _is_shape(v) else _one_of(where, v, _WORDS) for v in given]


def _resolve(pattern: str | Shape, shape: Shape) -> tuple[Shape | None, bool]:
    """The shape of a weight beside logits of `shape`, and whether the pattern means anything there."""
    if not isinstance(pattern, str):
        return pattern, True
    if pattern in ("none", "scalar", "full"):
        return {"none": None, "scalar": (), "full": shape}[pattern], True
    if pattern == "last":
        return shape[-1:], len(shape) > 0
    return (*shape[:1], *(1 for _ in shape[1:])), len(shape) > 1


def _table(where: str, value: object, keys: tuple[str, ...], allowed: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError(f"{where}: {value!r}, expected a table by operand")
    return {_one_of(f"{where}: key", k, keys): _one_of(f"{where}.{k}", v, allowed) for k, v in value.items()}


def _check_broadcast(where: str, shape: Shape | None, full: Shape) -> None:
    if shape is None:
        return
    pairs = zip(reversed(shape), reversed(full), strict=False)
    if len(shape) > len(full) or any(n not in (1, m) for n, m in pairs):
        raise ValueError(f"{where}: shape {list(shape)}, expected one that broadcasts to {list(full)}")


def _expand(where: str, entry: object, first_seed: int) -> Iterator[Case]:
    if not isinstance(entry, dict):
        raise ValueError(f"{where}: {entry!r}, expected a table")
    for key in entry:
        _one_of(f"{where}: key", key, tuple(_DEFAULTS))
    values = _DEFAULTS | entry
    if values["shape"] is None:
        raise ValueError(f"{where}.shape: missing, expected a shape like [128, 10], or a list of shapes")
    if type(values["repeat"]) is not int or values["repeat"] < 1:
        raise ValueError(f"{where}.repeat: {values['repeat']!r}, expected a whole number from 1 on")
    if not isinstance(values["options"], dict):
        raise ValueError(f"{where}.options: {values['options']!r}, expected a table")
    if not isinstance(values["name"], str) or not re.fullmatch(r"[A-Za-z0-9_.-]*", values["name"]):
        raise ValueError(f"{where}.name: {values['name']!r}, expected letters, digits, '-', '_' and '.'")
    layouts = _table(f"{where}.layouts", values["layouts"], _OPERANDS, tuple(LAYOUTS))
    dtypes = _table(f"{where}.dtypes", values["dtypes"], (*_OPERANDS, "out"), tuple(FORMATS))
    axes = product(
        _choices(f"{where}.op", values["op"], tuple(Op)),
        _choices(f"{where}.dtype", values["dtype"], tuple(FORMATS)),
        _shapes(f"{where}.shape", values["shape"]),
        _choices(f"{where}.reduction", values["reduction"], _REDUCTIONS),
        _choices(f"{where}.family", values["family"], tuple(FAMILIES)),
        _patterns(f"{where}.weight", values["weight"]),
        _patterns(f"{where}.pos_weight", values["pos_weight"]),
        _patterns(f"{where}.grad_output", values["grad_output"]),
        range(values["repeat"]),
    )
    seed = first_seed
    for op, dtype, shape, reduction, family, weight, pos_weight, grad_output, _ in axes:
        wanted = {"weight": weight, "pos_weight": pos_weight}
        if op != Op.LOSS:
            # A mean or sum has one number as its gradient.
            wanted["grad_output"] = grad_output if reduction == "none" else "scalar"
            if wanted["grad_output"] == "none":
                raise ValueError(f"{where}.grad_output: 'none', expected scalar, last, column, full or a shape")
        resolved = {name: _resolve(pattern, shape) for name, pattern in wanted.items()}
        if not all(means for _, means in resolved.values()):
            continue
        shapes = {name: found for name, (found, _) in resolved.items()}
        for name, found in shapes.items():
            _check_broadcast(f"{where}.{name}", found, shape)
        present = {"logits", "targets", "out", *(name for name, found in shapes.items() if found is not None)}
        yield Case(
            name=_name(values["name"] or family, op, dtype, shape, reduction, wanted),
            op=Op(op),
            dtype=dtype,
            shape=shape,
            reduction=reduction,
            family=family,
            seed=seed,
            dtypes={name: value for name, value in dtypes.items() if name in present},
            layouts={name: value for name, value in layouts.items() if name in present},
            options=values["options"],
            **shapes,
        )
        seed += 1


def _name(start: str, op: str, dtype: str, shape: Shape, reduction: str, patterns: Mapping[str, str | Shape]) -> str:
    """A name that is a file name too and says what the case is."""

    def text(shape: Shape) -> str:
        return "x".join(map(str, shape)) or "scalar"

    parts = [start, op, dtype, text(shape), reduction]
    for short, name in (("w", "weight"), ("p", "pos_weight"), ("g", "grad_output")):
        pattern = patterns.get(name, "none")
        if pattern != "none" and (name != "grad_output" or pattern != "scalar"):
            parts.append(f"{short}-{pattern if isinstance(pattern, str) else text(pattern)}")
    return "_".join(parts)


def parse_suite(document: Mapping[str, Any]) -> list[Case]:
    """The cases of a suite that was read from TOML.

    Names are made unique with a number behind them.

    Raises:
        ValueError: a key or a value that the schema does not have; says which entry, what is allowed.

    >>> cases = parse_suite({"cases": [{"shape": [4, 3], "dtype": ["f32", "bf16"], "pos_weight": "last"}]})
    >>> [case.name for case in cases]
    ['uniform_loss_f32_4x3_none_p-last', 'uniform_loss_bf16_4x3_none_p-last']
    >>> cases[0].pos_weight
    (3,)
    """
    for key in document:
        _one_of("suite: key", key, ("seed", "cases"))
    seed, entries = document.get("seed", 0), document.get("cases", [])
    if type(seed) is not int or seed < 0:
        raise ValueError(f"seed: {seed!r}, expected a whole number from 0 on")
    if not isinstance(entries, list) or not entries:
        raise ValueError("cases: none, expected at least one [[cases]]")
    cases: list[Case] = []
    used: dict[str, int] = {}
    for number, entry in enumerate(entries):
        for case in _expand(f"cases[{number}]", entry, seed + len(cases)):
            count = used[case.name] = used.get(case.name, 0) + 1
            fields = {name: getattr(case, name) for name in case.__dataclass_fields__}
            cases.append(case if count == 1 else Case(**(fields | {"name": f"{case.name}_{count}"})))
    return cases


def load_suite(suite: str | Path) -> list[Case]:
    """The cases of a preset ("smoke", "standard", "tail") or of a TOML file.

    Raises:
        ValueError: the file cannot be read or is no suite; the text names the file and the entry.
    """
    text = str(suite)
    if text in PRESETS:
        source = resources.files("bcelogits.golden") / "presets" / f"{text}.toml"
        return parse_suite(tomllib.loads(source.read_text()))
    path = Path(text)
    if not path.exists() and path.suffix != ".toml":
        raise ValueError(f"suite: {text!r}, expected one of {', '.join(PRESETS)}, or a .toml file")
    try:
        return parse_suite(tomllib.loads(path.read_text()))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"suite: {path}: {reason}") from None
