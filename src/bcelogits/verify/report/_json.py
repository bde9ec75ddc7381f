"""The report as JSON: everything there is, for programs. The schema is documented in the package."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Any

from bcelogits.verify._model import CaseResult, RunResult, Status, Verdict

__all__ = ["SCHEMA", "VERSION", "plain", "to_json"]

SCHEMA = "bcelogits-verify"
VERSION = 1


def to_json(run: RunResult) -> str:
    """The run as JSON text, a line for each case.

    Example:
        >>> from bcelogits.verify._model import RunResult, Status
        >>> from bcelogits.verify.report import to_json
        >>> import json
        >>> json.loads(to_json(RunResult(Status.PASS, ())))["summary"]["cases"]
        0
    """
    counts = Counter(case.status for case in run.cases)
    head = {
        "schema": SCHEMA,
        "version": VERSION,
        "status": run.status.value,
        "summary": {"cases": len(run.cases)} | {status.value: counts[status] for status in Status},
        "facts": run.facts,
    }
    members = [f"{_text(key)}: {_text(value)}" for key, value in head.items()]
    cases = ",\n".join(_text(_case(case)) for case in run.cases)
    return "{\n" + ",\n".join([*members, f'"cases": [\n{cases}\n]']) + "\n}\n"


def _text(value: Any) -> str:
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False)


def _case(case: CaseResult) -> dict[str, Any]:
    return {
        "name": case.name,
        "op": case.op.value,
        "dtype": case.dtype,
        "shape": case.shape,
        "reduction": case.reduction,
        "status": case.status.value,
        "error": case.error,
        "facts": case.facts,
        "verdicts": [_verdict(verdict) for verdict in case.verdicts],
        "statistics": case.statistics,
    }


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "profile": verdict.profile,
        "standard": verdict.standard,
        "version": verdict.version,
        "status": verdict.status.value,
        "used": verdict.used,
        "masked": verdict.masked,
        "why": verdict.why,
        "metrics": [
            {
                "name": metric.name,
                "value": metric.value,
                "comparison": metric.comparison,
                "threshold": metric.threshold,
                "passed": metric.passed,
                "note": metric.note,
            }
            for metric in verdict.metrics
        ],
    }


def plain(value: Any) -> Any:
    """The same data as JSON has them; what is no number, text, list or mapping becomes its text."""
    if isinstance(value, Enum):
        return plain(value.value)
    if value is None or isinstance(value, bool | int | str):
        # A lone surrogate (of a file name that is not UTF-8) cannot be written as UTF-8.
        return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, Mapping):
        return {str(plain(key)): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # a scalar of NumPy
        return plain(value.item())
    return plain(str(value))
