"""The report as one HTML file that needs nothing else: style, script and pictures are in it.

What a person looks for comes first: the outcome, a grid of all verdicts, then the cases, failures first and open. A
case that passed is one line that opens to its deciding figures and one small picture. What is shown of the many is
bounded by a budget of bytes, so that the file stays one that opens at once.

The pages are templates; every text that gets into them is escaped, and cleaned of what is not printable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bcelogits._files.errors import InputError
from bcelogits.verify._model import CaseResult, RunResult, Status, Verdict
from bcelogits.verify._plain import plain
from bcelogits.verify.report._html_case import contents
from bcelogits.verify.report._text import (
    OUTCOMES,
    WORDS,
    clean,
    deciding,
    max_ulp,
    number,
    ordered,
    profiles,
    relation,
    shape_text,
    summary,
)

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["to_html"]

_FOLDER = Path(__file__).parent / "templates"
_MARKS = {Status.PASS: "p", Status.WARN: "w", Status.FAIL: "f", Status.NOT_JUDGED: "x"}  # classes of the style sheet
_AREAS = {"peak", "most", "peak-bad", "most-bad", "exact", "zone", "zeros"}  # classes of pictures that are filled
_BYTES = 1_400_000  # of the file, unless the lines of the many cases alone take more
_LINE = 400  # bytes that a case takes as one line
_FEW, _NARROW = 4, 2  # profiles whose figures fit beside each other, and whose verdicts do on a phone


@cache
def _environment() -> Environment:
    try:
        from jinja2 import Environment, FunctionLoader, StrictUndefined
        from markupsafe import Markup
    except ModuleNotFoundError:
        raise InputError("the HTML report needs Jinja2: pip install 'bcelogits[cli]'") from None

    def source(name: str) -> str:
        return "\n".join(line.strip() for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines())

    environment = Environment(
        loader=FunctionLoader(source),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=lambda value: value if isinstance(value, Markup) else clean(value),
    )
    environment.globals |= {
        "areas": _AREAS,
        "deciding": deciding,
        "marks": _MARKS,
        "max_ulp": max_ulp,
        "number": number,
        "relation": relation,
        "shape_text": shape_text,
        "words": WORDS,
        "failed": Status.FAIL,
        "not_judged": Status.NOT_JUDGED,
        "passed": Status.PASS,
    }
    return environment


def _render(template: str, **values: Any) -> str:
    """The text of a template, which others take as it is."""
    return _as_is(_environment().get_template(template).render(**values).strip())


def to_html(run: RunResult) -> str:
    """The run as the text of an HTML file, to be written as UTF-8.

    Raises:
        InputError: Jinja2 is not installed; the text says what installs it.

    Example:
        >>> from bcelogits.verify._model import RunResult, Status
        >>> from bcelogits.verify.report import to_html
        >>> to_html(RunResult(Status.PASS, ())).splitlines()[0]
        '<!doctype html>'
    """
    cases = ordered(run.cases)
    subject = run.facts.get("subject") or ""
    style, script = ((_FOLDER / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    style += _labels(profiles(cases))
    overview = _overview(cases)
    page = _render(
        "page.html",
        run=run,
        title=f"Verification of {subject}" if subject else "Verification report",
        summary=summary(run),
        facts=_facts(run.facts),
        overview=overview,
        cases=_cases(cases, _BYTES - len(style) - len(script) - len(overview)),
        style=_as_is(style),
        script=_as_is(script),
    )
    return str(page) + "\n"


def _as_is(text: str) -> str:
    """Text that needs no escaping: of a template, a style sheet or a script."""
    from markupsafe import Markup

    return Markup(text)


def _facts(facts: Mapping[str, object]) -> list[tuple[str, str]]:
    shown = {key: value for key, value in facts.items() if key != "subject" and value not in (None, "", (), [], {})}
    return [(key, _words(plain(value))) for key, value in shown.items()]


def _words(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key} {_words(entry)}" for key, entry in value.items())
    return ", ".join(map(_words, value)) if isinstance(value, list) else str(value)


def _overview(cases: Sequence[CaseResult]) -> str:
    names = profiles(cases)
    found = Counter(case.status for case in cases)
    standards: dict[str, Verdict] = {}
    rows = []
    for case in cases:
        verdicts = {verdict.profile: verdict for verdict in case.verdicts}
        standards = verdicts | standards
        rows.append((case, [verdicts.get(name) for name in names]))
    return _render(
        "overview.html",
        rows=rows,
        names=names,
        counts=[(status, found[status]) for status in OUTCOMES if found[status]],
        figures=len(names) <= _FEW,
        layout=("few" if len(names) <= _FEW else "many") + (" stack" if len(names) > _NARROW else ""),
        standards=[standards[name] for name in names],
    )


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


def _cases(cases: Sequence[CaseResult], budget: int) -> str:
    """The cases, in full while the budget lasts, but at least as a line."""
    parts = ["<h2>Cases</h2>"] if cases else []
    budget -= _LINE * len(cases)
    full_budget = budget * 6 // 10  # the rest is for those that passed
    used = 0
    for index, case in enumerate(cases):
        detailed = len(cases) == 1 or case.status is not Status.PASS
        text = _case(case, index, "full") if detailed and used < full_budget else ""
        if not text or (index and used + len(text) > budget):
            text = _case(case, index, "light")
        if index and used + len(text) > budget:
            text = _case(case, index, "line")
        used += len(text)
        parts.append(text)
    return _as_is("\n".join(parts))


def _case(case: CaseResult, index: int, detail: str) -> str:
    text = _render("case.html", case=case, index=index, detail=detail, **contents(case, index, detail))
    return _as_is(str(text).replace(">\n<", "><"))  # there are many cases, and every byte counts
