"""The report as a page: well-formed, self-contained, bounded, readable without colours, and obeys no name."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest
import report_cases
from report_cases import everything, good, reduced, run, two_term, unusable

from bcelogits._files.errors import InputError
from bcelogits.verify import profiles, report
from bcelogits.verify._model import CaseResult, RunResult
from bcelogits.verify.report import to_html

_VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """Elements with their attributes, and the text of each kind of element; fails where tags do not nest."""

    def __init__(self, run: RunResult) -> None:
        super().__init__()
        self.text = to_html(run)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: dict[str, list[str]] = {}
        self._open: list[str] = []
        self.feed(self.text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self._open[-1:]:
            self.words.setdefault(tag, []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def _many(count: int, *cases: CaseResult) -> RunResult:
    return run(*(replace(cases[k % len(cases)], name=f"standard/f32/case-{k:04d}") for k in range(count)))


def test_every_kind_of_case_makes_a_well_formed_page() -> None:
    page = Page(everything())
    identifiers = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    assert len(page.all("details")) == 8
    assert page.words["title"][0] == "Verification of a kernel"


def test_the_page_needs_nothing_else() -> None:
    page = Page(everything())
    for tag, attributes in page.elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "use", "image"}
        assert not {"src", "srcset", "action", "xlink:href", "style"} & attributes.keys()
        assert (attributes.get("href") or "#").startswith("#")
    assert not re.search(r"url\(|@import|https?:|fetch\(|import\(", page.text)
    (policy,) = (a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")


@pytest.mark.parametrize("names", [profiles.DEFAULT, [*profiles.DEFAULT, "cann-mere", "torch", "jax"]])
def test_no_text_is_obeyed(names: list[str]) -> None:
    case = report_cases.hostile()
    more = replace(case, verdicts=tuple(replace(case.verdicts[0], profile=f"{n}{report_cases.HOSTILE}") for n in names))
    for given in (run(more), run(more, good()), run(*[more] * 200)):
        page = Page(replace(given, facts={report_cases.HOSTILE: report_cases.HOSTILE, "subject": report_cases.HOSTILE}))
        tags = Counter(tag for tag, _ in page.elements)
        assert tags["script"] == tags["style"] == 1
        assert tags["img"] == 0
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        assert "\x1b" not in page.text
        page.text.encode()


def test_pictures_are_described_and_need_no_colours() -> None:
    page = Page(run(two_term()))
    pictures = [a for a in page.all("svg") if a.get("role") == "img"]
    assert len(pictures) == 3
    known = {attributes.get("id") for _, attributes in page.elements}
    for picture in pictures:
        assert picture.get("aria-label") or set(str(picture["aria-labelledby"]).split()) <= known
    descriptions = page.words["desc"]
    assert any("The largest error, 1.67" in words for words in descriptions)
    assert any(re.match(r"\d+ of 5000 results are 0 though", words) for words in descriptions)
    # Each status is a word, and has a sign of its own in the style sheet.
    assert {"pass", "FAIL"} <= set(page.words["b"])
    style = page.words["style"][0]
    assert len(set(re.findall(r'\.[pfwx]::before\{content:"([^"]*)"', style))) >= 4


def test_tables_have_headings() -> None:
    page = Page(everything())
    assert all(attributes.get("scope") for attributes in page.all("th"))
    assert page.all("caption")
    assert page.all("html") == [{"lang": "en"}]


def test_a_failing_case_is_open_and_shows_the_lines_of_the_rules() -> None:
    page = Page(run(two_term(), good()))
    opened, closed = page.all("details")
    assert "open" in opened
    assert "open" not in closed
    key = [words for words in page.words["li"] if words.strip()]
    assert "gate: 32 ULP" in key
    assert "0.5: rounding" in key
    assert "cann-mixed accepts up to" in key
    assert "golden" in key
    assert "actual" in key
    assert "share of zeros" in key
    assert "beyond the gate" in key


def test_a_failing_case_shows_value_and_limit_of_each_metric_and_the_worst_points() -> None:
    case = two_term()
    cells = {cell.strip() for cell in Page(run(case)).words["td"]}
    for verdict in case.verdicts:
        for metric in verdict.metrics:
            assert metric.name in cells
            if metric.threshold is not None:
                assert any(cell.startswith(f"{metric.comparison} ") for cell in cells)
    for point in case.statistics["worst"]:
        assert point["inputs"]["logits"] in cells
        assert point["golden"] in cells


def test_failures_come_first() -> None:
    page = Page(run(good("fine"), unusable("gone"), two_term("bad")))
    assert [a["data-n"] for a in page.all("details")] == ["bad", "gone", "fine"]
    assert [a["data-n"] for a in page.all("tr") if "data-n" in a] == ["bad", "gone", "fine"]


def test_a_reduced_output_has_its_value_and_no_pictures() -> None:
    page = Page(run(reduced()))
    assert not [a for a in page.all("svg") if a.get("role") == "img"]
    assert "0.75" in page.words["td"]


def test_infinities_and_nan_have_their_matrix() -> None:
    nan = next(case for case in everything().cases if case.name == "all-nan")
    page = Page(run(nan))
    assert {"golden \\ actual", "finite", "+inf", "-inf", "nan"} <= set(page.words["th"])
    assert "9" in page.words["td"]


@pytest.mark.parametrize("kind", ["passing", "mixed", "failing"])
@pytest.mark.parametrize("names", [profiles.DEFAULT, list(profiles.PROFILES)], ids=["default", "all profiles"])
def test_three_hundred_cases_are_a_page_of_one_and_a_half_megabytes_at_most(kind: str, names: list[str]) -> None:
    fine, bad = good(names=names), two_term(names=names)
    cases = {"passing": [fine], "mixed": [bad, fine, fine, fine], "failing": [bad]}[kind]
    page = Page(_many(300, *cases))
    assert len(page.text.encode()) <= 1_500_000
    assert len(page.all("details")) == 300


def test_without_jinja2_the_error_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    report._html._environment.cache_clear()
    with pytest.raises(InputError, match=r"needs Jinja2: pip install 'bcelogits\[cli\]'"):
        to_html(run(good()))


def test_data_beyond_all_bounds_can_be_drawn() -> None:
    x, t, _ = report_cases.operands(200)
    wide = report_cases.chunk([3e38] * 200, [1e-45] * 200, inputs={"logits": x * 1e36, "targets": t})
    still = report_cases.chunk([1.0] * 200, [1.0] * 200, inputs={"logits": [0.0] * 200, "targets": t})
    for part in (wide, still):
        assert len([a for a in Page(run(report_cases.judged(part))).all("svg") if a.get("role") == "img"]) == 3
