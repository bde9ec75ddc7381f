"""Command line of the benchmark: `python -m benchmarks` from the root of the repository."""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import machine, overhead, plan, plot, report
from benchmarks.cases import DTYPE_ALIASES, DTYPES, OPS, OPTIONS, SIZES, size_name
from benchmarks.registry import CONTENDERS
from benchmarks.rows import Run, Writer, figure_row, merge, read, text_row
from benchmarks.runner import Limits, Runner
from benchmarks.worker import Worker, WorkerError

QUICK_SIZES = (64, 1 << 16, 1 << 20)


def parse_size(text: str) -> int:
    """`4096`, `2^20` or `2**20`."""
    base, _, exponent = text.strip().replace("**", "^").partition("^")
    size = int(base) ** int(exponent) if exponent else int(base)
    if size <= 0:
        raise argparse.ArgumentTypeError(f"size {text}: must be positive")
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
    names, parts = tuple(CONTENDERS), tuple(plan.PARTS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time bcelogits and its peers, interleaved, and write tables and a plot. Without --sizes, "
        "--dtypes, --ops and --options the parts of benchmarks/plan.py are measured; with any of them, every "
        "combination.",
    )
    add = parser.add_argument
    add("--parts", type=choices(parts), help=f"of {', '.join(parts)} (default all; with --sizes and its like: none)")
    add("--sizes", type=parse_sizes, help=f"elements, e.g. 64,4096,2^20 (default {','.join(map(size_name, SIZES))})")
    add("--dtypes", type=choices(DTYPES, DTYPE_ALIASES), help="of f32, f16, bf16, f64 (default all)")
    add("--ops", type=choices(OPS), help=f"of {', '.join(OPS)} (default {', '.join(plan.MAIN_OPS)})")
    add("--options", type=choices(tuple(OPTIONS)), help=f"of {', '.join(OPTIONS)} (default none)")
    add("--contenders", type=choices(names), default=names, help=f"of {', '.join(names)} (default all installed)")
    add("--repeats", type=int, help="samples per contender and case (default: what the part says; 9)")
    add("--budget", type=float, help=f"seconds of samples per contender and case (default {Limits.budget:g})")
    add("--threads", type=int, default=2, help="threads of every contender (default 2)")
    add("--csv", type=Path, metavar="PATH", help="write every figure as a row, while the run goes on")
    add("--markdown", type=Path, metavar="PATH", help="write the report, between its markers if the page exists")
    add("--plot", type=Path, metavar="SVG", help="draw the roofline, with matplotlib")
    add("--quick", action="store_true", help=f"sizes {','.join(map(size_name, QUICK_SIZES))}, f32, 3 samples")
    add("--list", action="store_true", help="print what would be measured, and measure nothing")
    add(
        "--report-from",
        type=Path,
        nargs="+",
        metavar="CSV",
        help="measure nothing: report and plot of earlier --csv files; of a cell in several, the last counts",
    )
    args = parser.parse_args(argv)
    custom = args.quick or any((args.sizes, args.dtypes, args.ops, args.options))
    args.parts = args.parts or (() if custom else parts)
    args.jobs = plan.planned(args.parts)
    if custom:
        args.jobs = plan.merged(
            args.jobs
            + plan.product(
                args.sizes or (QUICK_SIZES if args.quick else SIZES),
                args.dtypes or (("float32",) if args.quick else DTYPES),
                args.ops or plan.MAIN_OPS,
                args.options or ("none",),
                tuple(name for name, contender in CONTENDERS.items() if contender.has_peak or contender.is_limit),
                args.repeats or (3 if args.quick else 9),
            )
        )
    if args.repeats:
        args.jobs = [plan.Job(job.case, job.contenders, args.repeats) for job in args.jobs]
    args.budget = args.budget or Limits.budget
    if args.threads < 1 or (args.repeats is not None and args.repeats < 1):
        parser.error("--threads and --repeats must be at least 1")
    if args.plot is not None and importlib.util.find_spec("matplotlib") is None:
        parser.error("--plot: needs matplotlib")
    if args.markdown is not None:
        try:
            report.around(args.markdown)  # before the measuring, not an hour later
        except (OSError, ValueError) as error:
            parser.error(f"--markdown: {error}")
    return args


def start_workers(names: tuple[str, ...], threads: int, remark: Callable[[str], None]) -> list[Worker]:
    """A process per contender; those that are not installed or do not start are named and left out."""
    workers: list[Worker] = []
    for name in names:
        missing = CONTENDERS[name].missing()
        if missing is not None:
            remark(f"without {name}: {missing} is not installed")
            continue
        try:
            workers.append(Worker(name, threads))
        except WorkerError as error:
            remark(f"without {name}: it did not start ({error})")
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

    started = time.perf_counter()
    remark(note)
    remark(f"load average {machine.load_average():.2f} in the minute before the run")
    machine.use_cpus(args.threads)
    for level, size in machine.cache_bytes(args.threads).items():
        writer.add(figure_row(run, "cache_bytes", "", size, size, level))
    if "overhead" in args.parts or args.quick:
        for row in overhead.import_rows(run, 3 if args.quick else 15):
            writer.add(row)
    if "overhead" in args.parts:
        try:
            for row in overhead.c_rows(run):
                writer.add(row)
        except (OSError, subprocess.CalledProcessError) as error:
            remark(f"calls from C were not measured: {error}")
    wanted = {name for job in args.jobs for name in job.contenders}
    peaks = plan.peak_cases() if "memory" in args.parts else []
    if peaks:
        wanted |= {*plan.NEW, *plan.KEPT, "bcelogits-torch"}
    workers = start_workers(tuple(name for name in args.contenders if name in wanted), args.threads, remark)
    runner = Runner(run, workers, writer, Limits(args.budget), lambda text: print(text, flush=True))
    try:
        runner.run_jobs(args.jobs)
        runner.measure_peaks(peaks)
    finally:
        for text in runner.remarks():
            remark(text)
        what = ", ".join(args.parts) or "cases of its own"
        remark(f"this run ({what}) took {(time.perf_counter() - started) / 60:.0f} minutes")
        for worker in workers:
            worker.close()


def main(argv: list[str] | None = None) -> int:
    args = arguments(argv)
    if args.list:
        for job in args.jobs:
            print(
                f"{job.case}: {job.repeats} x {', '.join(name for name in job.contenders if name in args.contenders)}"
            )
        return 0
    if args.report_from is not None:
        try:
            rows = merge(map(read, args.report_from))
        except ValueError as error:
            print(f"--report-from: {error}", file=sys.stderr)
            return 1
        if args.csv is not None:
            writer = Writer(args.csv)
            for row in rows:
                writer.add(row)
            writer.close()
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
    picture = None
    if args.plot is not None:
        plot.draw(rows, args.plot)
        picture = os.path.relpath(args.plot, args.markdown.parent if args.markdown is not None else None)
    text = report.markdown(rows, picture)
    if args.markdown is None:
        print(f"\n{text}")
    else:
        report.write(args.markdown, text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
