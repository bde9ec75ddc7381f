"""Tables from rows, in Markdown: where we lose, overhead, threads, the machine's limit, memory, all times."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks import plan
from benchmarks.cases import DTYPES, ITEM_BYTES, OPS, OPTIONS, Case, size_name
from benchmarks.results import HELPERS, OURS, OURS_KEPT, Cell, Results, cell_text, ours_for
from benchmarks.rows import Row
from benchmarks.runner import seconds_text

BEGIN, END = "<!-- benchmark results: begin -->", "<!-- benchmark results: end -->"
LIMIT_FROM = 1 << 16  # below, a call's fixed costs hide the traffic
NOTHING = "Not measured in this run."


def table(head: list[str], body: list[list[str]]) -> str:
    """A Markdown table, first column to the left, the others to the right."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def times_text(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3g}x"


def bytes_text(value: float | None) -> str:
    return "" if value is None else f"{value / 2**20:.1f}"


def header(results: Results) -> str:
    first = results.rows[0]
    versions = list(dict.fromkeys(row.version for row in results.rows if row.version))
    isas = sorted({f"{row.contender} {row.isa}" for row in results.rows if row.isa})
    lines = [
        f"- Machine: {first.cpu}, {first.threads} threads for every contender; {first.system}; Python {first.python}",
        f"- Date: {', '.join(sorted({row.date for row in results.rows}))}",
        f"- Versions: {', '.join(versions)}",
    ]
    if isas:
        lines.append(f"- Instruction sets reported: {', '.join(isas)}")
    notes = dict.fromkeys(row.note for row in results.rows if row.metric == "note")  # parts repeat each other's
    lines += [f"- Note: {note}" for note in notes]
    return "\n".join(lines)


def losses(results: Results) -> str:
    """Every cell where a peer is faster, or needs less memory by more than a megabyte."""
    found: list[tuple[float, list[str]]] = []
    duels = results.duels()
    for duel in duels:
        if duel.theirs < duel.mine:
            factor = duel.mine / duel.theirs
            text = [cell_text(duel.cell), duel.peer, "time", _time_text(duel.mine), _time_text(duel.theirs)]
            found.append((factor, [*text, times_text(factor)]))
    for cell in results.cells():
        for peer in results.peers:
            ours = OURS_KEPT if peer.endswith("-out") and Case(*cell).writes else OURS
            mine, theirs = results.peak(cell, ours), results.peak(cell, peer)
            if mine is not None and theirs is not None and theirs < mine - 2**20:
                factor = mine / max(theirs, 2**12)
                text = [cell_text(cell), peer, "memory", f"{bytes_text(mine)} MiB", f"{bytes_text(theirs)} MiB"]
                found.append((factor, [*text, times_text(factor)]))
    if not duels:
        return NOTHING
    if not found:
        return "Nowhere in this run."
    found.sort(key=lambda item: -item[0])
    return table(["case", "peer", "figure", "ours", "peer's", "we need"], [text for _, text in found])


def _time_text(nanoseconds: float | None) -> str:
    return "" if nanoseconds is None else seconds_text(nanoseconds / 1e9)


def overhead(results: Results) -> str:
    """Calls on 64 elements, from Python and from C, and imports."""
    forward, both = ("forward-mean", "none", "float32", 64), ("value_and_grad", "none", "float32", 64)
    body = [
        [name, _time_text(results.time(forward, name)), _time_text(results.time(both, name))]
        for name in results.contenders
        if not name.startswith("limit-") and (results.time(forward, name) or results.time(both, name))
    ]
    parts = [table(["64 elements, float32", "forward mean", "loss and gradient"], body)] if body else []
    calls: dict[str, list[str]] = {}
    for row in results.rows:
        if row.metric == "call_ns":
            calls.setdefault(row.note, []).append(f"{row.median:.0f} ns")
    if calls:
        ops = dict.fromkeys(row.op for row in results.rows if row.metric == "call_ns")
        parts.append(table(["from C, 64 elements, float32", *ops], [[note, *texts] for note, texts in calls.items()]))
    imports = [
        [f"`{row.note}`", f"{row.median / 1e6:.0f} ms", f"{row.minimum / 1e6:.0f} ms"]
        for row in results.rows
        if row.metric == "import_ns"
    ]
    if imports:
        parts.append(table(["a fresh interpreter that runs", "median", "min"], imports))
    return "\n\n".join(parts) or NOTHING


def threads(results: Results) -> str:
    """One thread against all of the run, and the cost of handing out work."""
    body: list[list[str]] = []
    for cell in results.cells():
        ours = ours_for(cell)
        one, several = results.time(cell, "bcelogits-1"), results.time(cell, ours)
        if one is not None and several is not None:
            body.append([cell_text(cell), _time_text(one), _time_text(several), times_text(one / several)])
    if not body:
        return NOTHING
    text = table(["case, kept output", "1 thread", f"{results.rows[0].threads} threads", "gain"], body)
    hot, cold = results.hand_out(), results.hand_out("-rested")
    if hot is not None:
        text += f"\n\nHand-out at 2^16 elements, calls one after another: {hot:.2f} us"
        text += "." if cold is None else f"; after a pause of 1 ms, in which threads fall asleep: {cold:.2f} us."
    return text


def limits(results: Results, ours: str) -> str:
    """Share of the bare traffic's rate: 100 % is the time of only moving the operands."""
    body: list[list[str]] = []
    for cell in results.cells():
        size = cell[3]
        mine, floor = results.time(cell, ours), results.limit_row(cell)
        if size < LIMIT_FROM or floor is None or (mine is None and ours in results.contenders):
            continue
        body.append(
            [
                cell_text(cell),
                f"{Case(*cell).traffic / floor.median:.1f}",
                f"{floor.contender}: {floor.note}",
                f"{floor.median / size:.3f}",
                "" if mine is None else f"{mine / size:.3f}",
                "" if mine is None else f"{size / mine:.2f}",
                "" if mine is None else f"{floor.median / mine:.0%}",
            ]
        )
    if not body:
        return NOTHING
    head = ["case", "limit, GB/s", "by", "limit, ns/element", "ours, ns/element", "ours, G elements/s", "share"]
    return table(head, body)


def peaks(results: Results) -> str:
    """Peak extra memory per call in MiB, beside the size of the logits."""
    names = [name for name in results.contenders if not name.startswith("limit-") and name not in HELPERS]
    cells = [cell for cell in results.cells() if any(results.peak(cell, name) is not None for name in names)]
    if not cells:
        return NOTHING
    body = [
        [
            cell_text(cell),
            bytes_text(cell[3] * ITEM_BYTES[cell[2]]),
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
                names = [
                    name
                    for name in results.contenders
                    if name not in HELPERS and any(results.time(cell, name) is not None for cell in cells)
                ]
                if names:
                    title = f"### {op}, {dtype}{'' if option == 'none' else f': {OPTIONS[option]}'}"
                    body = [[size_name(cell[3]), *(text(cell, name) for name in names)] for cell in cells]
                    parts.append(f"{title}\n\n{table(['size', *names], body)}")
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


def quoted(results: Results) -> str:
    """The figures that the README repeats."""
    cell = ("forward-mean", "none", "float32", plan.PEAK_SIZE)
    names = [name for name in (OURS, "torch", "optax", "torch.compile") if results.time(cell, name) is not None]
    if OURS not in names:
        return NOTHING
    rows = [
        ["mean loss of 2^24 float32 elements", *(_time_text(results.time(cell, name)) for name in names)],
        ["memory that this takes besides its inputs, MiB", *(bytes_text(results.peak(cell, name)) for name in names)],
    ]
    return table(["README", *names], rows)


def markdown(rows: list[Row], picture: str | None = None) -> str:
    """The whole report; `picture` is the plot's address as seen from the page."""
    results = Results(rows)

    def time_and_ratio(cell: Cell, name: str) -> str:
        time = results.time(cell, name)
        if time is None:
            return ""
        ratio = results.ratio(cell, name)
        return _time_text(time) + (f" ({ratio:.2g}x)" if ratio is not None and name != OURS else "")

    duels = len(results.duels())
    lost = f"Every case in which a peer is faster or leaner, worst first, of {duels} comparisons of time."
    sections = [header(results)]
    if picture is not None:
        sections.append(f"![Memory traffic by size, contenders below the machine's limit]({picture})")
    sections += [
        f"## Where we lose\n\n{lost}\n\n{losses(results)}",
        f"## Overhead\n\n{overhead(results)}",
        f"## Threads\n\n{threads(results)}",
        f"## Share of the machine's limit\n\n{limits(results, OURS)}",
    ]
    if OURS_KEPT in results.contenders:
        text = "The same with the array result written to memory that the caller keeps (`out=`, `grad_out=`)."
        sections.append(f"{text}\n\n{limits(_only_writing(results), OURS_KEPT)}")
    about_peaks = "The result is included; 0.0 is less than 50 kB."
    about_times = "Median of one call; in brackets how many times as long as ours that returns a new result."
    sections += [
        f"## Peak extra memory of one call, MiB\n\n{about_peaks}\n\n{peaks(results)}",
        f"## What the README quotes\n\n{quoted(results)}",
        f"## All times\n\n{about_times}\n\n{times(results, time_and_ratio)}",
    ]
    missing = skipped(results)
    if missing:
        sections.append(f"## Not measured\n\n{missing}")
    return "\n\n".join(sections) + "\n"


def _only_writing(results: Results) -> Results:
    return Results(row for row in results.rows if not row.size or Case(*row.cell).writes)


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
