"""Judge every installed backend on preset suites, each in a process of its own, and write docs/scoreboard.md.

    python tools/scoreboard.py [--backend NAME ...] [--suite NAME ...] [--results FOLDER] [--markdown PAGE]

What a backend scored is kept in FOLDER/NAME.json; the page is made of all that is there, so that backends which cannot
be installed beside each other, or that take long, can be run one by one. Without --backend all are run that are
installed; `--backend none` only writes the page.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from bcelogits.golden import PRESETS, load_suite
from bcelogits.verify import CaseResult, Options, verify_backend
from bcelogits.verify.backends import NAMES, BackendError, get

BEGIN, END = "<!-- results: begin -->\n", "<!-- results: end -->\n"
SUITES = ("standard", "tail")
PROFILES = ("ulp", "cann-mixed", "cann-mere", "cann-dual:L0", "msprobe-bench", "thousandth", "sample-isclose", "torch")
NOT_INSTALLED = 3
ORDER = ("reference", "ours", "aclnn")

DTYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "f64": "float64"}
OPS = {"loss": "loss", "backward": "gradient", "target_backward": "gradient with respect to targets"}


class Score:
    """What one backend scored on the cases of one operator, dtype and kind."""

    def __init__(self) -> None:
        """Begin with no cases."""
        self.cases = self.skipped = self.failed = self.elements = self.measured = 0
        self.not_rounded = self.lost = self.nan = self.infinite = 0
        self.largest = 0.0
        self.worst = ""
        self.passed: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        self.why: dict[str, int] = defaultdict(int)

    def add(self, result: CaseResult) -> None:
        """Count the result of one case."""
        if not result.verdicts:
            self.skipped += not result.error
            self.failed += bool(result.error)
            self.why[result.error or result.facts["skipped"]] += 1
            return
        found = result.statistics
        self.cases += 1
        self.elements += found["elements"]
        self.measured += found["ulp"]["measured"]
        self.not_rounded += found["ulp"]["not_correctly_rounded"]
        self.lost += found["zeros"]["unexplained"]
        rows = dict(zip(found["confusion"]["classes"], found["confusion"]["counts"], strict=True))
        self.nan += sum(counts[3] for name, counts in rows.items() if name != "nan")
        self.infinite += sum(sum(counts[1:3]) for counts in (rows["finite"], rows["nan"]))
        self.infinite += rows["+inf"][2] + rows["-inf"][1]
        for verdict in result.verdicts:
            if verdict.status != "not judged":
                self.passed[verdict.profile][0] += verdict.status in ("pass", "warn")
                self.passed[verdict.profile][1] += 1
        largest = found["ulp"]["max"]
        if largest is not None and float(largest) > self.largest:
            self.largest, self.worst = float(largest), _worst(result)

    def plain(self) -> dict[str, Any]:
        """The counts as JSON takes them."""
        return {name: dict(value) if isinstance(value, dict) else value for name, value in vars(self).items()}


_LETTERS = {"logits": "x", "targets": "t", "weight": "w", "pos_weight": "p", "grad_output": "g"}


def _worst(result: CaseResult) -> str:
    """The worst point that has a finite error, if there is one among the worst."""
    points = result.statistics["worst"]
    for point in (*(point for point in points if point["ulp"] != "inf"), *points):
        inputs = " ".join(f"{_LETTERS[name]}={text}" for name, text in point["inputs"].items())
        return f"{inputs or result.name}: {point['actual']}, truth {float(point['golden']):.9g}"
    return ""


# ---- one backend -----------------------------------------------------------------------------------------------


def _work(name: str, suites: Sequence[str], only: str) -> dict[str, Any]:
    """Judge a backend, in this process."""
    backend = get(name)
    rows: dict[str, Score] = defaultdict(Score)
    statuses: dict[str, int] = defaultdict(int)
    start = time.monotonic()
    cases = [case for suite in suites for case in load_suite(suite) if only in case.name]
    for number, case in enumerate(cases):
        run = verify_backend(backend, [case], options=Options(profiles=PROFILES))
        reduced = case.op == "loss" and case.reduction != "none"
        key = "/".join((case.op.value, case.dtype_of("out"), "reduced" if reduced else "elements"))
        for result in run.cases:
            rows[key].add(result)
            statuses["skipped" if "skipped" in result.facts else "error" if result.error else str(result.status)] += 1
        if number % 20 == 19:
            print(f"{name}: {number + 1}/{len(cases)}, {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
    return {
        "name": name,
        "version": backend.version,
        "suites": list(suites),
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "machine": f"{platform.system()} {platform.machine()}",
        "statuses": dict(statuses),
        "rows": {key: row.plain() for key, row in rows.items()},
    }


def _worker(name: str, suites: Sequence[str], only: str, path: Path) -> int:
    try:
        found = _work(name, suites, only)
    except BackendError as error:
        print(error, file=sys.stderr)
        return NOT_INSTALLED
    path.write_text(json.dumps(found, indent=1) + "\n")
    return 0


def _run(names: Iterable[str], arguments: argparse.Namespace) -> None:
    arguments.results.mkdir(parents=True, exist_ok=True)
    for name in names:
        path = arguments.results / f"{name}.json"
        command = [sys.executable, __file__, "--worker", name, "--only", arguments.only, "--json", str(path)]
        command += [word for suite in arguments.suite for word in ("--suite", suite)]
        status = subprocess.run(command, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}, check=False).returncode
        if status not in (0, NOT_INSTALLED):
            raise SystemExit(f"{name}: the process ended with status {status}")


# ---- the page --------------------------------------------------------------------------------------------------


def _number(value: float) -> str:
    return f"{value:.3f}" if value < 100 else f"{value:.2g}"


def _share(part: int, whole: int) -> str:
    if not whole:
        return "–"
    return "0" if part == 0 else f"{100 * part / whole:.2g} %"


def _count(value: int) -> str:
    return f"**{value:,}**" if value else "0"


def _passes(passed: Mapping[str, Sequence[int]], profile: str) -> str:
    good, of = passed.get(profile, (0, 0))
    return "–" if not of else f"{good}/{of}" if good == of else f"**{good}**/{of}"


def _summary(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| backend | cases | not supported | failed to run | " + " | ".join(f"`{name}`" for name in PROFILES) + " |"
    yield "| --- | ---: | ---: | ---: |" + " ---: |" * len(PROFILES)
    for result in results:
        total: dict[str, list[int]] = defaultdict(lambda: [0, 0])
        rows = result["rows"].values()
        for row in rows:
            for profile, (good, of) in row["passed"].items():
                total[profile][0] += good
                total[profile][1] += of
        counts = [sum(row[key] for row in rows) for key in ("cases", "skipped", "failed")]
        cells = [f"`{result['name']}`", *map(str, counts), *(_passes(total, name) for name in PROFILES)]
        yield "| " + " | ".join(cells) + " |"


def _table(results: Sequence[Mapping[str, Any]], key: str) -> Iterator[str]:
    columns = ["backend", "results", "max ULP", "not nearest", "lost to 0", "NaN", "inf", *(f"`{p}`" for p in PROFILES)]
    yield "| " + " | ".join([*columns, "worst point"]) + " |"
    yield "| --- |" + " ---: |" * (len(columns) - 1) + " --- |"
    for result in results:
        row = result["rows"].get(key)
        if row is None or not row["cases"]:
            continue
        yield (
            "| "
            + " | ".join(
                [
                    f"`{result['name']}`",
                    f"{row['elements']:,}",
                    _number(row["largest"]) if row["measured"] else "–",
                    _share(row["not_rounded"], row["elements"]),
                    _count(row["lost"]),
                    _count(row["nan"]),
                    _count(row["infinite"]),
                    *(_passes(row["passed"], profile) for profile in PROFILES),
                    row["worst"] or "–",
                ]
            )
            + " |"
        )


def _limits(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for result in results:
        found: dict[str, int] = defaultdict(int)
        for row in result["rows"].values():
            for why, count in row["why"].items():
                found[why] += count
        for why, count in sorted(found.items(), key=lambda item: -item[1]):
            yield f"- `{result['name']}`, {count} cases: {why}"


def page(results: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the results' part."""
    one = results[0]
    yield f"{one['date']}, Python {one['python']}, NumPy {one['numpy']}, {one['machine']}."
    yield ""
    yield "| backend | version | suites |"
    yield "| --- | --- | --- |"
    for result in results:
        yield f"| `{result['name']}` | {result['version']} | {', '.join(f'`{suite}`' for suite in result['suites'])} |"
    yield ""
    yield "### Cases that pass"
    yield ""
    yield from _summary(results)
    keys = {key for result in results for key in result["rows"]}
    for dtype, long in DTYPES.items():
        for op, title in OPS.items():
            for kind, words in (("elements", ""), ("reduced", ", mean and sum")):
                if (key := f"{op}/{dtype}/{kind}") in keys:
                    yield from ("", f"### {long}: {title}{words}", "")
                    yield from _table(results, key)
    yield from ("", "### What was not judged", "")
    yield from _limits(results)


def write_page(path: Path, results: Sequence[Mapping[str, Any]]) -> None:
    """Put the results between the marks of the page."""
    before, mark, rest = path.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{path}: no lines {BEGIN.strip()} and {END.strip()}")
    path.write_text(before + BEGIN + "\n" + "\n".join(page(results)) + "\n\n" + END + after)


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--backend", action="append", choices=[*NAMES, "none"], help="all that are installed")
    parser.add_argument("--suite", action="append", metavar="NAME", help=f"{', '.join(PRESETS)} or a file")
    parser.add_argument("--only", default="", metavar="TEXT", help="only cases with this in their name")
    parser.add_argument("--results", type=Path, default=Path("build/scoreboard"), metavar="FOLDER")
    parser.add_argument("--markdown", type=Path, metavar="PAGE", help="rewrite the results of this page")
    parser.add_argument("--worker", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    arguments.suite = arguments.suite or list(SUITES)
    return arguments


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for, then write the page."""
    arguments = _arguments(argv)
    if arguments.worker:
        return _worker(arguments.worker, arguments.suite, arguments.only, arguments.json)
    _run([name for name in arguments.backend or NAMES if name != "none"], arguments)
    paths = [arguments.results / f"{name}.json" for name in NAMES]
    results = [json.loads(path.read_text()) for path in paths if path.is_file()]
    if not results:
        raise SystemExit(f"no results in {arguments.results}")
    results.sort(
        key=lambda result: (ORDER.index(result["name"]) if result["name"] in ORDER else len(ORDER), result["name"])
    )
    if arguments.markdown:
        write_page(arguments.markdown, results)
    else:
        print("\n".join(page(results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
