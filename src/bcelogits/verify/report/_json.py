"""The report as JSON: everything there is, for programs. The schema is documented in the package."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from bcelogits.verify._model import RunResult, Status
from bcelogits.verify._plain import plain

__all__ = ["SCHEMA", "VERSION", "to_json"]

SCHEMA = "bcelogits-verify"
VERSION = 1
_KEYS = ("name", "op", "dtype", "shape", "reduction", "status", "error", "facts", "verdicts", "statistics")


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
    cases = ",\n".join(_text({key: getattr(case, key) for key in _KEYS}) for case in run.cases)
    return "{\n" + ",\n".join([*members, f'"cases": [\n{cases}\n]']) + "\n}\n"


def _text(value: Any) -> str:
    return json.dumps(plain(value), allow_nan=False, ensure_ascii=False)
