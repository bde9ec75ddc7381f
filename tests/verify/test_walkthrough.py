"""docs/verify.md walks through the whole job; what it shows works, and what it lists is what there is."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from bcelogits import golden
from bcelogits.cli import main
from bcelogits.verify import backends, profiles

pytest.importorskip("ml_dtypes")

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "verify.md").read_text()


def test_the_program_of_the_page_makes_dumps_that_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["golden", "golden", "--suite", "smoke", "--case", "smoke_*"]) == 0
    (program,) = re.findall(r"```python\n(.*?)\n *```", PAGE, re.DOTALL)
    exec(compile(textwrap.dedent("   " + program.lstrip()), "docs/verify.md", "exec"), {})
    assert main(["verify", "folder", "golden", "--dump", "dumps", "--op", "loss", "--html", "report.html"]) == 0
    assert (tmp_path / "report.html").stat().st_size > 1000


def test_the_suite_of_the_page_is_one() -> None:
    import tomllib

    (suite,) = re.findall(r"```toml\n(.*?)\n```", PAGE, re.DOTALL)
    assert {case.op for case in golden.parse_suite(tomllib.loads(suite))} == {golden.Op.LOSS, golden.Op.BACKWARD}


@pytest.mark.parametrize("name", [*golden.FAMILIES, *golden.LAYOUTS, *golden.FILE_LAYOUTS, *golden.PRESETS])
def test_every_family_and_layout_is_on_the_page(name: str) -> None:
    assert re.search(rf"`{name}[`,]|{name},|, {name}\b", PAGE)


@pytest.mark.parametrize("name", profiles.PROFILES)
def test_every_profile_is_on_the_page(name: str) -> None:
    base, _, variant = name.partition(":")
    assert f"`{base}`" in PAGE or f"`{base}:" in PAGE
    assert not variant or f":{variant}`" in PAGE


@pytest.mark.parametrize("name", [name for name in backends.NAMES if name in ("torch", "aclnn")])
def test_backends_of_the_page_are_backends(name: str) -> None:
    assert f"verify backend {name}" in PAGE


@pytest.mark.parametrize("preset", golden.PRESETS)
def test_the_page_knows_how_many_cases_there_are(preset: str) -> None:
    assert f"`{preset}` ({len(golden.load_suite(preset))} cases" in PAGE
