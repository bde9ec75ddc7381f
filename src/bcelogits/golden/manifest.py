"""The manifest of a folder of golden data: manifest.json, which says of every case how it was made and where it lies.

Schema 1::

    {"schema": 1, "generator": "bcelogits 0.1.0", "suite": "smoke", "layout": "ttk", "special": "limit", "cases": [{
       "name": ..., "op": "loss", "aclnn": "aclnnBinaryCrossEntropyWithLogits", "reduction": "none", "shape": [4, 3],
       "family": "calibrated", "seed": 7, "options": {},
       "inputs": {"logits": {"file": ..., "key": null, "dtype": "f32", "shape": [4, 3], "sha256": ...,
                             "storage": {"file": ..., "shape": [12], "strides": [1, 4], "offset": 0, "sha256": ...}}},
       "golden": {"file": ..., "key": null, "dtype": "f32", "shape": [4, 3], "sha256": ...},
       "truth": {"value": {"file": ..., "sha256": ...}, "flags": ..., "scale": ..., "low": ...},
       "counts": {"elements": 12, "overflow": 0, "subnormal": 0, "zero": 1, "special": 0, "choice": 0, "outside": 0},
       "reduced": {"ideal": "0.693...", "contract": "0.693..."}}]}

`key` names an array in a .safetensors file. `storage` is there for operands that are not contiguous; its strides and
offset count elements, as aclCreateTensor takes them. `reduced`, of a reduced loss: the exact sum (or mean) of the
exact losses, and that of the losses rounded to the compute dtype. No date: the same suite gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bcelogits._files.arrays import RawFormat, open_array
from bcelogits._files.errors import InputError, reason
from bcelogits._formats import FORMATS
from bcelogits._typing import Array
from bcelogits.golden._model import Case
from bcelogits.reference.truth import Op, Special

__all__ = ["FILE_NAME", "SCHEMA", "Entry", "Manifest", "case_of", "describe", "read_manifest", "sha256"]

SCHEMA = 1
FILE_NAME = "manifest.json"


def describe(case: Case) -> dict[str, Any]:
    """The part of a manifest's entry that says what the case is."""
    return {
        "name": case.name,
        "op": case.op.value,
        "aclnn": case.op.aclnn,
        "reduction": case.reduction,
        "dtype": case.dtype,
        "shape": list(case.shape),
        "family": case.family,
        "seed": case.seed,
        "options": dict(case.options),
        "dtypes": dict(case.dtypes),
        "layouts": dict(case.layouts),
    } | {
        name: list(shape)
        for name in ("weight", "pos_weight", "grad_output")
        if (shape := getattr(case, name)) is not None
    }


def case_of(entry: Mapping[str, Any]) -> Case:
    """The case that `describe` described.

    >>> case = Case("c", Op.LOSS, "f32", (2,), weight=())
    >>> case_of(describe(case)) == case
    True
    """

    def shape(name: str) -> tuple[int, ...] | None:
        return None if entry.get(name) is None else tuple(entry[name])

    return Case(
        name=str(entry["name"]),
        op=Op(entry["op"]),
        dtype=entry["dtype"],
        shape=tuple(entry["shape"]),
        reduction=entry["reduction"],
        family=entry["family"],
        seed=entry["seed"],
        weight=shape("weight"),
        pos_weight=shape("pos_weight"),
        grad_output=shape("grad_output"),
        dtypes=entry["dtypes"],
        layouts=entry["layouts"],
        options=entry["options"],
    )


@dataclass(frozen=True)
class Entry:
    """One case of a folder, and how to open its arrays."""

    folder: Path
    case: Case
    raw: Mapping[str, Any]

    def _open(self, parameter: str, described: Mapping[str, Any]) -> Array:
        return open_stored(self.folder, parameter, described)

    def inputs(self) -> dict[str, Array]:
        """The operands that the case has, mapped."""
        return {name: self._open(name, described) for name, described in self.raw["inputs"].items()}

    def golden(self) -> Array:
        """The rounded golden output, mapped."""
        return self._open("golden", self.raw["golden"])

    def truth(self) -> dict[str, Array]:
        """The columns of the truth: value, flags, scale, low; none if they were not written, or one was removed."""
        files = {name: self.folder / described["file"] for name, described in self.raw.get("truth", {}).items()}
        if not all(file.is_file() for file in files.values()):
            return {}
        return {name: open_array(f"truth {name}", str(file), RawFormat()) for name, file in files.items()}

    def check(self) -> None:
        """Check that what is there of the case's files is what was written.

        Raises:
            InputError: a file has another SHA-256 than the manifest says.
        """
        described = {"golden": self.raw["golden"], **self.raw["inputs"], **self.raw.get("truth", {})}
        for name, entry in described.items():
            path = self.folder / entry["file"]
            if path.is_file() and sha256(path) != entry["sha256"]:
                raise InputError(f"{name}: {entry['file']}: not the file that was written: its SHA-256 differs")


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def open_stored(folder: Path, parameter: str, described: Mapping[str, Any]) -> Array:
    """The array that an entry of a manifest describes."""
    key = described.get("key")
    name = f"{folder / described['file']}" + ("" if key is None else f":{key}")
    shape = tuple(described["shape"])
    array = open_array(parameter, name, RawFormat(described["dtype"], shape))
    if array.shape != shape:
        raise InputError(f"{parameter}: {described['file']}: shape {array.shape}, the manifest says {shape}")
    return array


@dataclass(frozen=True)
class Manifest:
    """A folder of golden data."""

    folder: Path
    suite: str
    layout: str
    special: Special
    entries: tuple[Entry, ...]


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder.

    Raises:
        InputError: there is none, or it is damaged or of another schema.
    """
    path = folder / FILE_NAME
    try:
        document = json.loads(path.read_text())
        if document["schema"] != SCHEMA:
            raise InputError(f"schema {document['schema']!r}, expected {SCHEMA}")
        entries = []
        for raw in document["cases"]:
            case = case_of(raw)
            if case.dtype not in FORMATS or raw["golden"]["dtype"] not in FORMATS:
                raise InputError(f"{case.name}: dtype {case.dtype!r}, expected one of {', '.join(FORMATS)}")
            entries.append(Entry(folder, case, raw))
        return Manifest(folder, document["suite"], document["layout"], Special(document["special"]), tuple(entries))
    except OSError as error:
        raise InputError(f"{path}: {reason(error)}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: damaged manifest: {reason(error)}") from None
