"""What a default run measures: named parts, each a list of cases with the contenders and the samples they get.

The whole product of operations, options, dtypes, sizes and contenders would take a day. Float32 gets everything; the
other dtypes get plain cases and weight vectors; options meet the peers that have them. Where parts share a case it is
measured once, by the contenders of all of them. Neighbours in the list are what is compared, so that a ratio is taken
within minutes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks import threads
from benchmarks.cases import DTYPES, OPS, OPTIONS, SIZES, Case, grid

Names = tuple[str, ...]

COMPILERS: Names = ("torch.compile", "optax", "tensorflow")
PEERS: Names = ("numpy", "torch", *COMPILERS)
NEW: Names = ("bcelogits", *PEERS)  # every call returns a new result
KEPT: Names = ("bcelogits-out", "numpy-out", "torch.compile-out", "optax-out")  # into memory that the caller keeps
LIMITS: Names = ("limit-native", "limit-numpy", "limit-torch")

MAIN_OPS = ("forward-mean", "forward-none", "value_and_grad", "backward")
ENDS = ("forward-mean", "value_and_grad")  # the cheapest and the dearest operation: where four would take too long
TORCH_DTYPES = ("float32", "float16", "bfloat16")  # of docs/torch.md
LARGE = 1 << 27
ROOFLINE_SIZES = tuple(1 << exponent for exponent in (10, 14, 18, 22, 26))  # between those of the grid
PANELS = (  # of the roofline plot
    ("forward-mean", "float32"),
    ("forward-none", "float32"),
    ("value_and_grad", "float32"),
    ("forward-mean", "bfloat16"),
)
PEAK_SIZE = 1 << 24


@dataclass(frozen=True)
class Job:
    """A case, who takes part, and how many samples each gives."""

    case: Case
    contenders: Names
    repeats: int


def small_grid() -> list[Job]:
    """Every operation and dtype without options, up to 2^24, by everyone."""
    jobs = []
    for case in grid(tuple(n for n in SIZES if n < LARGE), DTYPES, MAIN_OPS, ("none",)):
        names = (*NEW, "bcelogits-out")
        if case.size >= 1 << 20:
            names += KEPT
        if case.size >= 4096:
            names += LIMITS if case.dtype == "float32" and case.size >= 1 << 16 else ("limit-native",)
        if case.op in ENDS and case.dtype in TORCH_DTYPES and case.size > 1:
            names += ("bcelogits-torch",)
        jobs.append(Job(case, names, 5))
    sums = grid((1 << 20, 1 << 24), ("float32",), ("forward-sum",), ("none",))
    jobs += [Job(case, (*NEW, *LIMITS), 5) for case in sums]
    targets = grid((1 << 20, 1 << 24), ("float32",), ("target_backward",), ("none",))
    return jobs + [Job(case, ("bcelogits", "bcelogits-out"), 5) for case in targets]


def large() -> list[Job]:
    """2^27 elements: the cheapest and the dearest operation in every dtype; 2^28: float32, all that others have."""
    cases = grid((LARGE,), DTYPES, ENDS, ("none",))
    cases += grid((2 * LARGE,), ("float32",), ("forward-sum", *MAIN_OPS), ("none",))
    jobs = [Job(case, (*NEW, "bcelogits-out", "torch.compile-out", *LIMITS), 3) for case in cases]
    ours = grid((LARGE,), TORCH_DTYPES, ENDS, ("none",))
    return jobs + [Job(case, ("bcelogits-torch",), 3) for case in ours]


def options() -> list[Job]:
    """Weights and layouts, and the same cases without them beside each; 16-bit dtypes with weight vectors alone."""
    jobs: list[Job] = []
    sizes = (1 << 16, 1 << 20, 1 << 24)
    for case in grid(sizes, ("float32",), ENDS, tuple(OPTIONS)):
        names: Names = ("bcelogits", "bcelogits-out", "torch", "torch.compile", "limit-native")
        if case.option in ("none", "weighted", "full"):
            names += ("numpy", "optax", "tensorflow")
        if case.option == "weighted":
            names += ("bcelogits-torch",)
        jobs.append(Job(case, names, 5))
    for case in grid(sizes[1:], ("float16", "bfloat16"), ENDS, ("none", "weighted")):
        names = ("bcelogits", "bcelogits-out", "torch", *COMPILERS, "bcelogits-torch", "limit-native")
        jobs.append(Job(case, names, 5))
    return jobs


def roofline() -> list[Job]:
    """The sizes between, for the lines of the plot."""
    names = (*NEW, "bcelogits-out", "limit-native")
    return [Job(case, names, 3) for op, dtype in PANELS for case in grid(ROOFLINE_SIZES, (dtype,), (op,), ("none",))]


def thread_scaling() -> list[Job]:
    """One thread against all, and both after a pause."""
    jobs = [
        Job(case, ("bcelogits", "bcelogits-out", "bcelogits-1"), 9)
        for case in grid(threads.SIZES, ("float32",), threads.OPS, ("none",))
    ]
    hand_out = Case("forward-mean", "none", "float32", 1 << 16)
    return [*jobs, Job(hand_out, ("bcelogits-rested", "bcelogits-1-rested"), 9)]


def call_overhead() -> list[Job]:
    """64 elements, beside an empty call."""
    return [Job(case, (*NEW, "bcelogits-out", "empty-call"), 9) for case in grid((64,), ("float32",), ENDS, ("none",))]


PARTS = {
    "grid": small_grid,
    "large": large,
    "options": options,
    "roofline": roofline,
    "threads": thread_scaling,
    "overhead": call_overhead,
    "memory": list,  # peak memory runs after all times, in processes of its own
}


def peak_cases() -> list[Case]:
    """What peak memory is measured for."""
    wanted = grid((PEAK_SIZE,), ("float32",), MAIN_OPS, ("none",))
    return wanted + grid((PEAK_SIZE,), ("float16", "bfloat16"), ENDS, ("none",))


def merged(jobs: Iterable[Job]) -> list[Job]:
    """One job per case, small sizes first (an interrupted run has the cheap cases complete), options side by side."""
    found: dict[Case, Job] = {}
    for job in jobs:
        old = found.get(job.case, job)
        names = tuple(dict.fromkeys((*old.contenders, *job.contenders)))
        found[job.case] = Job(job.case, names, max(old.repeats, job.repeats))
    orders = [list(names) for names in (DTYPES, OPS, OPTIONS)]

    def place(job: Job) -> tuple[int, ...]:
        case = job.case
        names = (case.dtype, case.op, case.option)
        return (case.size, *(order.index(name) for order, name in zip(orders, names, strict=True)))

    return sorted(found.values(), key=place)


def planned(parts: Names) -> list[Job]:
    """The jobs of the named parts."""
    return merged(job for part in parts for job in PARTS[part]())


def product(
    sizes: tuple[int, ...], dtypes: Names, ops: Names, options: Names, contenders: Names, repeats: int
) -> list[Job]:
    """Every combination, for a run of one's own."""
    return merged(Job(case, contenders, repeats) for case in grid(sizes, dtypes, ops, options))
