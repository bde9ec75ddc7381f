"""The report as one HTML file that needs nothing else: style, script and pictures are in it.

What a person looks for comes first: the outcome, a grid of all verdicts, then the cases, failures first and open. A
case that passed is one line that opens to its deciding figures and one small picture. What is shown of the many is
bounded by a budget of bytes, so that the file stays one that opens at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from bcelogits.verify._model import CaseResult, RunResult, Status, Verdict
from bcelogits.verify.report._html_case import MARKS, badge, full, light, line
from bcelogits.verify.report._json import plain
from bcelogits.verify.report._text import clean, deciding, max_ulp, ordered, profiles, relation, summary

__all__ = ["to_html"]

_BYTES = 1_400_000  # of the file, unless the lines of the many cases alone take more
_LINE = 400  # bytes that a case takes as one line
_FEW, _NARROW = 4, 2  # profiles whose figures fit beside each other, and whose verdicts do on a phone
# Forbids the page to load anything, whatever gets into it.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def to_html(run: RunResult) -> str:
    """The run as the text of an HTML file, to be written as UTF-8.

    Example:
        >>> from bcelogits.verify._model import RunResult, Status
        >>> from bcelogits.verify.report import to_html
        >>> to_html(RunResult(Status.PASS, ())).splitlines()[0]
        '<!doctype html>'
    """
    cases = ordered(run.cases)
    subject = clean(run.facts.get("subject") or "")
    title = f"Verification of {subject}" if subject else "Verification report"
    folder = Path(__file__).parent
    style = (folder / "page.css").read_text(encoding="utf-8") + _labels(profiles(cases))
    script = (folder / "page.js").read_text(encoding="utf-8")
    overview = _overview(cases) if cases else ["<p>There were no cases.</p>"]
    parts = [
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<style>\n{style}</style></head>\n<body><header><h1>{escape(title)}</h1>",
        f'<p class="head">{badge(run.status)} {escape(summary(run))}</p>',
        _facts(run.facts),
        "</header>\n<main>",
        *overview,
        *_cases(cases, _BYTES - len(style) - len(script) - sum(map(len, overview))),
        f"</main>\n<script>\n{script}</script></body></html>\n",
    ]
    return "\n".join(filter(None, parts))


def _facts(facts: Mapping[str, object]) -> str:
    shown = {key: value for key, value in facts.items() if key != "subject" and value not in (None, "", (), [], {})}
    if not shown:
        return ""
    return f"<dl>{''.join(f'<dt>{escape(clean(k))}</dt><dd>{_fact(v)}</dd>' for k, v in shown.items())}</dl>"


def _fact(value: object) -> str:
    return escape(clean(_words(plain(value))))


def _words(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_words(entry)}" for key, entry in value.items())
    return ", ".join(map(_words, value)) if isinstance(value, list) else str(value)


def _overview(cases: Sequence[CaseResult]) -> list[str]:
    names = profiles(cases)
    counts = Counter(case.status for case in cases)
    buttons = [f'<button data-f="" aria-pressed="true">all {len(cases)}</button>']
    for status in (Status.FAIL, Status.NOT_JUDGED, Status.WARN, Status.PASS):
        if counts[status]:
            mark = MARKS[status]
            buttons.append(
                f'<button data-f="{mark}" aria-pressed="false">{escape(status.value)} {counts[status]}</button>'
            )
    many = len(names) > _FEW
    layout = ("many" if many else "few") + (" stack" if len(names) > _NARROW else "")
    caption = "The figure that decides each verdict, and its limit. Failures first."
    if many:
        caption = "\u2713 pass, \u2715 fail, ! warn, ? not judged. The figures are with the cases. Failures first."
    head = "".join(f'<th scope="col">{escape(clean(name))}</th>' for name in names)
    return [
        "<h2>Verdicts</h2>",
        '<div class="tools" hidden><label>Filter <input id="q" type="search" size="14"></label>',
        f"{''.join(buttons)}</div>",
        f'<div class="scroll"><table class="{layout}"><caption>{caption}</caption>',
        f'<thead><tr><th scope="col">case</th>{head}<th scope="col" class="r">max ULP</th></tr></thead><tbody>',
        *(_grid_row(case, index, names, not many) for index, case in enumerate(cases)),
        "</tbody></table></div>",
        _profiles(cases),
    ]


def _labels(names: Sequence[str]) -> str:
    """Rules that put the profile's name beside its sign, where a narrow screen has no columns."""
    if len(names) <= _NARROW:
        return ""
    rules = []
    for index, name in enumerate([*names, "max ULP"]):
        # Text of a style sheet: a backslash, a quote or "</style" must not mean anything.
        text = "".join(c if c.isalnum() or c in " :-._" else f"\\{ord(c):x} " for c in clean(name))
        rules.append(f'.stack td:nth-child({index + 2})::after{{content:"\\a0 {text}"}}')
    return f"@media (max-width:760px){{{''.join(rules)}}}\n"


def _grid_row(case: CaseResult, index: int, names: Sequence[str], figures: bool) -> str:
    by_name = {verdict.profile: verdict for verdict in case.verdicts}
    cells = []
    for name in names:
        verdict = by_name.get(name)
        if verdict is None:
            cells.append(f"<td>{badge(Status.NOT_JUDGED) if case.error else ''}</td>")
            continue
        metric = deciding(verdict)
        figure = ""
        if figures and metric is not None and verdict.status is not Status.NOT_JUDGED:
            which = f"{clean(metric.name)} " if metric.passed is False else ""
            figure = f' <span class="v">{escape(which + relation(metric))}</span>'
        cells.append(f"<td>{badge(verdict.status)}{figure}</td>")
    name = escape(clean(case.name))
    return (
        f'<tr data-s="{MARKS[case.status]}" data-n="{name}"><th scope="row"><a href="#c{index}">{name}</a></th>'
        f'{"".join(cells)}<td class="r">{max_ulp(case)}</td></tr>'
    )


def _profiles(cases: Sequence[CaseResult]) -> str:
    """The standards behind the profiles, once for all cases."""
    known: dict[str, Verdict] = {}
    for case in cases:
        for verdict in case.verdicts:
            known.setdefault(verdict.profile, verdict)
    if not known:
        return ""
    rows = "".join(
        f"<dt>{escape(clean(name))}</dt><dd>{escape(clean(v.standard))}, {escape(clean(v.version))}</dd>"
        for name, v in known.items()
    )
    return f"<h2>Profiles</h2><dl>{rows}</dl>"


def _cases(cases: Sequence[CaseResult], budget: int) -> list[str]:
    """The cases, in full while the budget lasts, but at least as a line."""
    parts = ["<h2>Cases</h2>"] if cases else []
    budget -= _LINE * len(cases)
    full_budget = budget * 6 // 10  # the rest is for those that passed
    used = 0
    for index, case in enumerate(cases):
        detailed = len(cases) == 1 or case.status is not Status.PASS
        text = full(case, index) if detailed and used < full_budget else ""
        if not text or (index and used + len(text) > budget):
            text = light(case, index)
        if index and used + len(text) > budget:
            text = line(case, index)
        used += len(text)
        parts.append(text)
    return parts
