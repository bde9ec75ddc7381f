"""Command line of the benchmark: `python -m benchmarks` from the root of the repository."""

from __future__ import annotations

import argparse
import datetime
import platform
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine, overhead, report
from benchmarks.cases import CLASSES, DTYPE_ALIASES, DTYPES, OPS, OPTIONS, SIZES, Case, grid, size_name
from benchmarks.contenders import registry
from benchmarks.rows import Run, Writer, read, text_row
from benchmarks.runner import Limits, Runner
from benchmarks.worker import Worker, WorkerError

QUICK_SIZES = (64, 1 << 16, 1 << 20)


def parse_size(text: str) -> int:
    """`4096`, `2^20` or `2**20`; a multiple of the length of the weight vectors."""
    base, _, exponent = text.strip().replace("**", "^").partition("^")
    size = int(base) ** int(exponent) if exponent else int(base)
    if size <= 0 or size % CLASSES:
        raise argparse.ArgumentTypeError(f"size {text}: must be a positive multiple of {CLASSES}")
    return size


def parse_sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(dict.fromkeys(parse_size(part) for part in text.split(",")))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"sizes {text}: {error}") from None


def choices(allowed: tuple[str, ...], aliases: dict[str, str] | None = None) -> Callable[[str], tuple[str, ...]]:
    """A parser of comma-separated names out of `allowed`."""

    def parse(text: str) -> tuple[str, ...]:
        names = tuple(dict.fromkeys((aliases or {}).get(part.strip(), part.strip()) for part in text.split(",")))
        for name in names:
            if name not in allowed:
                raise argparse.ArgumentTypeError(f"{name}: not one of {', '.join((*allowed, *(aliases or {})))}")
        return names

    return parse


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    names = tuple(registry())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time bcelogits and its peers on one grid of cases, interleaved, and write tables.",
    )
    add = parser.add_argument
    add("--sizes", type=parse_sizes, help=f"elements, e.g. 64,4096,2^20 (default {','.join(map(size_name, SIZES))})")
    add("--dtypes", type=choices(DTYPES, DTYPE_ALIASES), help="of f32, f16, bf16, f64 (default all)")
    add("--ops", type=choices(OPS), default=OPS, help=f"of {', '.join(OPS)} (default all)")
    add("--options", type=choices(OPTIONS), default=OPTIONS, help="of none, weighted (default both)")
    add("--contenders", type=choices(names), default=names, help=f"of {', '.join(names)} (default all installed)")
    add("--repeats", type=int, help="samples per contender and case (default 9)")
    add("--budget", type=float, help="seconds of samples per contender and case, then fewer samples (default 4)")
    add("--threads", type=int, default=2, help="threads of every contender (default 2)")
    add("--csv", type=Path, metavar="PATH", help="write every figure as a row, while the run goes on")
    add("--markdown", type=Path, metavar="PATH", help="write the report, between its markers if the page exists")
    add("--quick", action="store_true", help=f"sizes {','.join(map(size_name, QUICK_SIZES))}, f32, 3 samples")
    add("--no-overhead", action="store_true", help="leave out the import times and the calls on 64 elements")
    add("--report-from", type=Path, metavar="CSV", help="measure nothing: make the report from an earlier --csv")
    args = parser.parse_args(argv)
    args.sizes = args.sizes or (QUICK_SIZES if args.quick else SIZES)
    args.dtypes = args.dtypes or (("float32",) if args.quick else DTYPES)
    args.repeats = args.repeats or (3 if args.quick else Limits.repeats)
    args.budget = args.budget or (1.0 if args.quick else Limits.budget)
    if args.threads < 1 or args.repeats < 1:
        parser.error("--threads and --repeats must be at least 1")
    if args.markdown is not None:
        try:
            report.around(args.markdown)  # before the measuring, not an hour later
        except (OSError, ValueError) as error:
            parser.error(f"--markdown: {error}")
    return args


def start_workers(names: tuple[str, ...], threads: int) -> list[Worker]:
    """A process per contender; those that are not installed or do not start are named and left out."""
    workers: list[Worker] = []
    for name in names:
        missing = registry()[name].missing()
        if missing is not None:
            print(f"skipped: {name} ({missing} is not installed)", flush=True)
            continue
        try:
            workers.append(Worker(name, threads))
        except WorkerError as error:
            print(f"skipped: {name} (did not start: {error})", flush=True)
    return workers


def measure(args: argparse.Namespace, note: str, writer: Writer) -> None:
    run = Run(
        date=datetime.date.today().isoformat(),
        cpu=machine.cpu_model(),
        system=f"{platform.system()} {platform.machine()}",
        python=platform.python_version(),
        threads=args.threads,
    )

    def remark(text: str) -> None:
        if text:
            print(f"note: {text}", flush=True)
            writer.add(text_row(run, text))

    remark(note)
    if machine.load_average() > 0.5:
        remark(f"load average {machine.load_average():.2f} at the start: something else was running")
    if not args.no_overhead:
        for row in overhead.import_rows(run, 3 if args.quick else 15):
            writer.add(row)
    machine.use_cpus(args.threads)
    cases: list[Case] = [] if args.no_overhead else overhead.call_cases()
    cases += [case for case in grid(args.sizes, args.dtypes, args.ops, args.options) if case not in cases]
    workers = start_workers(args.contenders, args.threads)
    runner = Runner(run, workers, writer, Limits(args.repeats, args.budget), lambda text: print(text, flush=True))
    try:
        runner.run_cases(cases)
        runner.measure_peaks(cases)
    finally:
        for text in runner.remarks():
            remark(text)
        for worker in workers:
            worker.close()


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    if args.report_from is not None:
        rows = read(args.report_from)
    else:
        note = machine.restart_without_slowing_variables()
        writer = Writer(args.csv)
        try:
            measure(args, note, writer)
        except KeyboardInterrupt:
            print("interrupted: the report has what was measured so far", file=sys.stderr)
        finally:
            writer.close()
        rows = writer.rows
    if not rows:
        print("nothing was measured", file=sys.stderr)
        return 1
    text = report.markdown(rows)
    if args.markdown is None:
        print(f"\n{text}")
    else:
        report.write(args.markdown, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
