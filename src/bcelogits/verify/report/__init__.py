"""The report on a run of the judge: a table in the terminal, JSON, CSV, and one HTML file with pictures.

JSON (`to_json`), version 1 of the schema:

`schema`, `version`
    "bcelogits-verify" and 1. The version grows when a key changes its meaning or goes; keys may be added.
`status`
    Of the run: "pass", "warn", "fail" or "not judged".
`summary`
    How many cases have each status, and `cases`, how many there are.
`facts`
    What the run was of: subject, versions, options, date.
`cases`
    A list of `name`, `op`, `dtype` and `shape` of the output, `reduction`, `status`, `error` (why it could not be
    judged), `facts`, `verdicts`, and `statistics` as `bcelogits.verify._statistics` documents them ({} without).
`cases[].verdicts`
    A list of `profile`, `standard`, `version`, `status`, `used` and `masked` (elements that the figures are of, and
    elements left out), `why`, and `metrics`: a list of `name`, `value`, `comparison`, `threshold`, `passed`, `note`.
    "value comparison threshold" is the rule; `passed` is null where the rule states a figure without judging by it.

Numbers that JSON does not have are the texts "inf", "-inf" and "nan".
"""

from bcelogits.verify.report._csv import to_csv
from bcelogits.verify.report._html import to_html
from bcelogits.verify.report._json import SCHEMA, VERSION, to_json
from bcelogits.verify.report._table import print_table

__all__ = ["SCHEMA", "VERSION", "print_table", "to_csv", "to_html", "to_json"]
