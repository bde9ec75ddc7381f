"""Tables from rows, in Markdown: goals, where we lose, overhead, share of the machine's limit, memory, all times."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.cases import DTYPES, OPS, OPTIONS, size_name
from benchmarks.rows import Row
from benchmarks.runner import seconds_text

OURS = "bcelogits"
BEGIN, END = "<!-- benchmark results: begin -->", "<!-- benchmark results: end -->"
LIMIT_FROM = 1 << 16  # below, a call's fixed costs hide the traffic
Cell = tuple[str, str, str, int]


class Results:
    """Rows by metric, cell and contender."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._values = {(row.metric, row.cell, row.contender): row.median for row in self.rows}
        self.contenders = list(dict.fromkeys(row.contender for row in self.rows if row.metric == "time_ns"))
        self.peers = [name for name in self.contenders if not name.startswith(("limit-", OURS))]
        sizes = {row.size for row in self.rows if row.metric == "time_ns"}
        self.sizes = sorted(sizes)

    def cells(self) -> list[Cell]:
        """All measured cells, in the order of the grid."""
        seen = {row.cell for row in self.rows if row.metric == "time_ns"}
        every = [(op, o, d, n) for op in OPS for o in OPTIONS for d in DTYPES for n in self.sizes]
        return [cell for cell in every if cell in seen]

    def time(self, cell: Cell, contender: str) -> float | None:
        """Median nanoseconds of one call."""
        return self._values.get(("time_ns", cell, contender))

    def peak(self, cell: Cell, contender: str) -> float | None:
        return self._values.get(("peak_bytes", cell, contender))

    def import_time(self, name: str) -> float | None:
        return self._values.get(("import_ns", ("import", "none", "", 0), name))

    def limit(self, cell: Cell) -> float | None:
        """Nanoseconds that the machine needs for the bare traffic of a cell."""
        times = [self.time(cell, name) for name in self.contenders if name.startswith("limit-")]
        return min((time for time in times if time is not None), default=None)

    def ratio(self, cell: Cell, peer: str, ours: str = OURS) -> float | None:
        """How many times as long as ours the peer takes."""
        mine, theirs = self.time(cell, ours), self.time(cell, peer)
        return None if mine is None or theirs is None else theirs / mine


def table(head: list[str], body: list[list[str]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def times_text(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g}x"


def bytes_text(value: float | None) -> str:
    return "" if value is None else f"{value / 2**20:.1f}"


def cell_text(cell: Cell) -> str:
    op, option, dtype, size = cell
    return f"{op}{'' if option == 'none' else ', ' + option}, {dtype}, {size_name(size)}"


def header(results: Results) -> str:
    first = results.rows[0]
    versions = list(dict.fromkeys(row.version for row in results.rows if row.version))
    isas = sorted({f"{row.contender} {row.isa}" for row in results.rows if row.isa})
    lines = [
        f"- Machine: {first.cpu}, {first.threads} threads for every contender; {first.system}; Python {first.python}",
        f"- Date: {first.date}",
        f"- Versions: {', '.join(versions)}",
    ]
    if isas:
        lines.append(f"- Instruction sets reported: {', '.join(isas)}")
    lines += [f"- Note: {row.note}" for row in results.rows if row.metric == "note"]
    return "\n".join(lines)


def goals(results: Results) -> str:
    """The project's speed goals against this run."""
    rows: list[list[str]] = []

    def at_least(what: str, want: float, got: float | None) -> None:
        if got is not None:
            rows.append([what, f">= {want:g}x", times_text(got), "yes" if got >= want else "**no**"])

    big = [size for size in (1 << 24, 1 << 27) if size in results.sizes]
    for size in big:
        for op, peer, want in (
            ("forward-mean", "torch", 8.0),
            ("forward-mean", "torch.compile", 3.0),
            ("value_and_grad", "torch", 6.0),
        ):
            cell = (op, "none", "float32", size)
            at_least(f"{cell_text(cell)}: {peer} / ours", want, results.ratio(cell, peer))
        for op in ("forward-mean", "value_and_grad"):
            full = results.time((op, "none", "float32", size), OURS)
            for dtype in ("float16", "bfloat16"):
                half = results.time((op, "none", dtype, size), OURS)
                if full is not None and half is not None:
                    at_least(f"{op}, {size_name(size)}: float32 / {dtype}, per element", 1.0, full / half)
    at_least("64 elements, forward: numpy / ours", 1.0, results.ratio(("forward-mean", "none", "float32", 64), "numpy"))
    cell = ("value_and_grad", "none", "float32", 64)
    at_least("64 elements, forward + backward: torch / ours", 3.0, results.ratio(cell, "torch"))
    base, with_ours = results.import_time("numpy"), results.import_time(OURS)
    if base is not None and with_ours is not None:
        extra = (with_ours - base) / 1e6
        rows.append(["import on top of NumPy's", "<= 60 ms", f"{extra:.0f} ms", "yes" if extra <= 60 else "**no**"])
    return table(["goal", "wanted", "measured", "met"], rows) if rows else "Not measured in this run."


def losses(results: Results) -> str:
    """Every cell where a peer is faster, or needs less memory by more than a megabyte."""
    found: list[tuple[float, list[str]]] = []
    for cell in results.cells():
        for peer in results.peers:
            mine, theirs = results.time(cell, OURS), results.time(cell, peer)
            if mine is not None and theirs is not None and theirs < mine:
                text = [cell_text(cell), peer, "time", _time_text(mine), _time_text(theirs), times_text(mine / theirs)]
                found.append((mine / theirs, text))
            mine, theirs = results.peak(cell, OURS), results.peak(cell, peer)
            if mine is not None and theirs is not None and theirs < mine - 2**20:
                factor = mine / max(theirs, 2**12)
                text = [cell_text(cell), peer, "memory", f"{bytes_text(mine)} MiB", f"{bytes_text(theirs)} MiB"]
                found.append((factor, [*text, times_text(factor)]))
    if OURS not in results.contenders:
        return "Not measured in this run."
    if not found:
        return "Nowhere in this run."
    found.sort(key=lambda item: -item[0])
    return table(["case", "peer", "figure", "ours", "peer's", "we need"], [text for _, text in found])


def _time_text(nanoseconds: float | None) -> str:
    return "" if nanoseconds is None else seconds_text(nanoseconds / 1e9)


def overhead(results: Results) -> str:
    """Calls on 64 elements, and imports."""
    forward, both = ("forward-mean", "none", "float32", 64), ("value_and_grad", "none", "float32", 64)
    body = [
        [name, _time_text(results.time(forward, name)), _time_text(results.time(both, name))]
        for name in results.contenders
        if not name.startswith("limit-") and (results.time(forward, name) or results.time(both, name))
    ]
    parts = [table(["64 elements, float32", "forward mean", "loss and gradient"], body)] if body else []
    imports = [
        [f"`{row.note}`", f"{row.median / 1e6:.0f} ms", f"{row.minimum / 1e6:.0f} ms"]
        for row in results.rows
        if row.metric == "import_ns"
    ]
    if imports:
        parts.append(table(["a fresh interpreter that runs", "median", "min"], imports))
    return "\n\n".join(parts) or "Not measured in this run."


def limits(results: Results, ours: str) -> str:
    """Share of the bare traffic's rate: 100 % is the time of only moving the operands."""
    body: list[list[str]] = []
    for cell in results.cells():
        op, _, dtype, size = cell
        mine, floor = results.time(cell, ours), results.limit(cell)
        if size < LIMIT_FROM or floor is None or (mine is None and ours in results.contenders):
            continue
        traffic = size * {"float64": 8, "float32": 4}.get(dtype, 2) * (2 if op == "forward-mean" else 3)
        body.append(
            [
                cell_text(cell),
                f"{traffic / floor:.1f}",
                f"{floor / size:.3f}",
                "" if mine is None else f"{mine / size:.3f}",
                "" if mine is None else f"{size / mine:.2f}",
                "" if mine is None else f"{floor / mine:.0%}",
            ]
        )
    if not body:
        return "Not measured in this run."
    head = ["case", "limit, GB/s", "limit, ns/element", "ours, ns/element", "ours, G elements/s", "share of the limit"]
    return table(head, body)


def peaks(results: Results) -> str:
    """Peak extra memory per call in MiB, beside the size of the logits."""
    names = [name for name in results.contenders if not name.startswith("limit-")]
    cells = [cell for cell in results.cells() if any(results.peak(cell, name) is not None for name in names)]
    if not cells:
        return "Not measured in this run."
    body = [
        [
            cell_text(cell),
            bytes_text(cell[3] * {"float64": 8, "float32": 4}.get(cell[2], 2)),
            *(bytes_text(results.peak(cell, name)) for name in names),
        ]
        for cell in cells
    ]
    return table(["case (MiB)", "logits", *names], body)


def times(results: Results, text: Callable[[Cell, str], str]) -> str:
    """One table per operation, option and dtype: sizes down, contenders across."""
    parts: list[str] = []
    for op in OPS:
        for option in OPTIONS:
            for dtype in DTYPES:
                cells = [cell for cell in results.cells() if cell[:3] == (op, option, dtype)]
                if cells:
                    title = f"#### {op}, {dtype}{'' if option == 'none' else ', weight and pos_weight vectors'}"
                    body = [[size_name(cell[3]), *(text(cell, n) for n in results.contenders)] for cell in cells]
                    parts.append(f"{title}\n\n{table(['size', *results.contenders], body)}")
    return "\n\n".join(parts)


def skipped(results: Results) -> str:
    """What is missing from the tables, and why; equal reasons in one line."""
    reasons: dict[tuple[str, str], list[Row]] = {}
    for row in results.rows:
        if row.metric == "skipped":
            reasons.setdefault((row.contender, row.note), []).append(row)
    return "\n".join(
        f"- {name}, {len(rows)} case(s), first {cell_text(rows[0].cell)}: {why}"
        for (name, why), rows in reasons.items()
    )


def markdown(rows: list[Row]) -> str:
    """The whole report."""
    results = Results(rows)

    def time_and_ratio(cell: Cell, name: str) -> str:
        time = results.time(cell, name)
        if time is None:
            return ""
        ratio = results.ratio(cell, name)
        return _time_text(time) + (f" ({ratio:.2g}x)" if ratio is not None and name != OURS else "")

    sections = [
        header(results),
        f"### Goals\n\n{goals(results)}",
        f"### Where we lose\n\nEvery case in which a peer is faster or leaner, worst first.\n\n{losses(results)}",
        f"### Overhead\n\n{overhead(results)}",
        f"### Share of the machine's limit\n\n{limits(results, OURS)}",
    ]
    if "bcelogits-out" in results.contenders:
        text = "The same with the array result written to memory that the caller keeps (`out=`, `grad_out=`)."
        sections.append(f"{text}\n\n{limits(_only_writing(results), 'bcelogits-out')}")
    about_peaks = "The result is included; 0.0 is less than 50 kB."
    about_times = "Median of one call; in brackets how many times as long as ours."
    sections += [
        f"### Peak extra memory of one call, MiB\n\n{about_peaks}\n\n{peaks(results)}",
        f"### All times\n\n{about_times}\n\n{times(results, time_and_ratio)}",
    ]
    missing = skipped(results)
    if missing:
        sections.append(f"### Not measured\n\n{missing}")
    return "\n\n".join(sections) + "\n"


def _only_writing(results: Results) -> Results:
    return Results(row for row in results.rows if row.op != "forward-mean")


def around(path: Path) -> tuple[str, str]:
    """What stands before and after the report on its page; ValueError for a page that has no place for one."""
    old = path.read_text(encoding="utf-8") if path.exists() else f"# Benchmark results\n\n{BEGIN}\n{END}\n"
    before, begin, rest = old.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{path}: exists and has no lines {BEGIN} and {END} to put the report between")
    return before, after


def write(path: Path, text: str) -> None:
    """Put the report between the markers of an existing page, or make a page of it."""
    before, after = around(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")
