"""Verdicts on implementations of binary cross-entropy with logits, under the field's precision standards.

    >>> import numpy as np
    >>> from bcelogits import verify
    >>> x, t = np.float32([-20, 1]), np.float32([0, 1])
    >>> result = verify.judge(np.float32([0, 0.31326166]), logits=x, targets=t)  # the first is lost
    >>> print(result.status, *(f"{v.profile}: {v.status}" for v in result.verdicts), sep=", ")
    fail, cann-mixed: pass, ulp: fail

`judge` takes arrays, `verify_folder` the dumps of a device, `verify_backend` an implementation that is installed; the
command is `bcelogits verify`. `profiles` has the rules, `report` makes tables, JSON, CSV and HTML of the results.
"""

from bcelogits.verify import backends, profiles, report
from bcelogits.verify._judge import Options, judge, judge_golden
from bcelogits.verify._model import CaseResult, Metric, RunResult, Status, Verdict
from bcelogits.verify._runs import run_of, verify_backend, verify_folder

__all__ = [
    "CaseResult",
    "Metric",
    "Options",
    "RunResult",
    "Status",
    "Verdict",
    "backends",
    "judge",
    "judge_golden",
    "profiles",
    "report",
    "run_of",
    "verify_backend",
    "verify_folder",
]
