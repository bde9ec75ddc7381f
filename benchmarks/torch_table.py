"""The figures of docs/torch.md, from a run's rows: `python -m benchmarks.torch_table ROWS.csv [PAGE]`.

Without a page they are printed; on a page they take the place of what stands between the markers of the results.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import report, results
from benchmarks.cases import OPTIONS, size_name
from benchmarks.rows import Row, read

OURS, PEERS = "bcelogits-torch", ("torch", "torch.compile")
OPS = {"forward-mean": "forward", "value_and_grad": "forward + backward"}
Key = tuple[str, str, str, int]
STEP: Key = ("value_and_grad", "none", "float32", 1 << 24)


def figures(rows: list[Row], metric: str) -> dict[Key, dict[str, float]]:
    """Medians by case and contender."""
    found: dict[Key, dict[str, float]] = {}
    for row in rows:
        if row.metric == metric and row.op in OPS and row.median is not None:
            key = (row.op, row.option, row.dtype, row.size)
            found.setdefault(key, {})[row.contender] = float(row.median)
    return found


def time_text(ns: float) -> str:
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("us", 1e3)):
        if ns >= scale:
            return f"{ns / scale:.3g} {unit}"
    return f"{ns:.0f} ns"


def main() -> None:
    text = markdown(read(Path(sys.argv[1])))
    if len(sys.argv) > 2:
        report.write(Path(sys.argv[2]), text)
    else:
        print(text)


def markdown(rows: list[Row]) -> str:
    """All that stands between the markers."""
    return "\n\n".join([about(rows), *summary(rows), table(rows)])


def about(rows: list[Row]) -> str:
    """Where the figures are from."""
    ours = next(row for row in rows if row.contender == OURS and row.metric == "time_ns")
    torch = next(row for row in rows if row.contender == "torch" and row.metric == "time_ns")
    return (
        f"Medians of the run of {ours.date} on {ours.cpu}, {ours.threads} threads for everyone, {ours.isa} kernels, "
        f"{torch.version}, contenders in turn. In brackets how many times as long as ours."
    )


def summary(rows: list[Row]) -> list[str]:
    """One training step in words, beside the NumPy function: what it computes, and what new memory costs."""
    times = figures(rows, "time_ns").get(STEP, {})
    if not {OURS, *PEERS, results.OURS, results.OURS_KEPT} <= times.keys():
        return []
    ours, kept, new = (time_text(times[name]) for name in (OURS, results.OURS_KEPT, results.OURS))
    peers = " and ".join(f"{name} {times[name] / times[OURS]:.2g} times" for name in PEERS)
    return [
        f"Forward + backward of {size_name(STEP[3])} {STEP[2]} elements takes {ours}, {peers} as long. "
        f"The NumPy function takes {kept} for the same pass into memory that the caller keeps, "
        f"and {new} with a new array for the gradient."
    ]


def table(rows: list[Row]) -> str:
    """Cases that bcelogits.torch took part in; in brackets how many times as long as ours."""
    times, peaks = figures(rows, "time_ns"), figures(rows, "peak_bytes")
    lines = ["| case | elements | bcelogits | " + " | ".join(PEERS) + " | peak memory, bytes an element: ours, torch |"]
    lines.append("| --- | --- | ---: |" + " ---: |" * len(PEERS) + " ---: |")
    for key in sorted(times, key=lambda k: (k[0], k[1], k[2], k[3])):
        op, option, dtype, size = key
        ours = times[key].get(OURS)
        if ours is None:
            continue
        cells = [
            f"{time_text(times[key][peer])} ({times[key][peer] / ours:.2g}x)" if peer in times[key] else ""
            for peer in PEERS
        ]
        peak = peaks.get(key, {})
        memory = ", ".join(f"{peak[name] / size:.1f}" if name in peak else "-" for name in (OURS, "torch"))
        case = f"{OPS[op]}, {dtype}{'' if option == 'none' else f': {OPTIONS[option]}'}"
        lines.append(f"| {case} | {size_name(size)} | {time_text(ours)} | {' | '.join(cells)} | {memory} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
