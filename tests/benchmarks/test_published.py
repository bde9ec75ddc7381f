"""The figures that the documentation shows are those of the published rows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from benchmarks import report, torch_table
from benchmarks.rows import Row, read

ROOT = Path(__file__).resolve().parents[2]
ROWS = ROOT / "benchmarks" / "results" / "latest.csv"
if not ROWS.exists():
    pytest.skip("a source distribution has no published rows", allow_module_level=True)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read(ROWS)


def results_of(page: str) -> str:
    """What stands between the markers of a page."""
    return (ROOT / page).read_text(encoding="utf-8").partition(report.BEGIN)[2].partition(report.END)[0].strip()


def test_the_page_of_results_is_the_report_of_the_rows(rows: list[Row]) -> None:
    assert results_of("docs/benchmarks.md") == report.markdown(rows, "roofline.svg").strip()


def test_the_figures_about_pytorch_are_those_of_the_rows(rows: list[Row]) -> None:
    assert results_of("docs/torch.md") == torch_table.markdown(rows).strip()


def test_the_readme_quotes_the_report(rows: list[Row]) -> None:
    def numbers(line: str) -> list[float]:
        return [float(text) for text in re.findall(r"(?<![\w^])\d+(?:\.\d+)?(?= MiB| ms)", line)]

    head, _, time, memory = report.quoted(report.Results(rows)).splitlines()
    ours, torch, optax, compiled = numbers(time)
    assert [name.strip() for name in head.split("|")[2:-1]] == ["bcelogits", "torch", "optax", "torch.compile"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in readme if line.startswith("| mean loss of 2^24 float32 elements")]
    assert numbers(line) == [compiled, ours, torch, optax]
    (line,) = [line for line in readme if line.startswith("| memory that this takes besides its inputs")]
    theirs = [round(float(cell)) for cell in memory.split("|")[3:5]]
    assert numbers(line.partition("|")[2].partition("|")[2]) == theirs
