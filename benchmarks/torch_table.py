"""The table of docs/torch.md, from a run's rows: `python -m benchmarks.torch_table ROWS.csv [PAGE]`.

Without a page it is printed; on a page it takes the place of what stands between the markers of the results.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import report
from benchmarks.cases import OPTIONS, size_name
from benchmarks.rows import Row, read

OURS, PEERS = "bcelogits-torch", ("torch", "torch.compile")
OPS = {"forward-mean": "forward", "value_and_grad": "forward + backward"}
Key = tuple[str, str, str, int]


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
    text = table(read(Path(sys.argv[1])))
    if len(sys.argv) > 2:
        report.write(Path(sys.argv[2]), text)
    else:
        print(text)


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
