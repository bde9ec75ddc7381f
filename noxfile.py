"""One word per task: build, test, isas, exhaustive, aarch64, examples, lint, bench, accuracy, scoreboard, docs, gate.

A task installs what it needs into a virtual environment of its own. `.ci/run` runs some of them in one environment that
has everything: `nox --no-venv --no-install -s ...`.
"""

from __future__ import annotations

import shlex

import nox

nox.needs_version = ">=2025.2.9"
nox.options.sessions = ["gate"]
nox.options.reuse_existing_virtualenvs = True

# The README's command; a test compares them.
TEST = """pip install -U pip && pip install . --group test && pytest -m "not exhaustive\""""
ACL = "src/bcelogits/cann/python/site-packages/acl/__init__.py"  # linters leave folders of that name alone


def install(session: nox.Session, *groups: str) -> None:
    """The package, and these dependency groups."""
    session.install(".", *(f"--group={group}" for group in groups))


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist into dist/."""
    session.install("build")
    session.run("python", "-m", "build", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """The README's test command."""
    session.run("bash", "-ec", f"{TEST} {shlex.join(session.posargs)}", external=True)


@nox.session
def isas(session: nox.Session) -> None:
    """Values and bits under each weaker instruction set of x86-64."""
    install(session, "test")
    folders = ["tests/contract", "tests/accuracy", "tests/determinism"]
    for isa in ("avx2", "baseline"):
        session.run("pytest", "-q", "-m", "not exhaustive", *folders, env={"BCELOGITS_MAX_ISA": isa})


@nox.session
def exhaustive(session: nox.Session) -> None:
    """The long sweeps alone."""
    install(session, "test")
    session.run("pytest", "-q", "-m", "exhaustive", *session.posargs)


@nox.session
def aarch64(session: nox.Session) -> None:
    """The same bits on AArch64: cross-compiled, emulated (Debian: g++-aarch64-linux-gnu, qemu-user)."""
    install(session, "test")
    test = "tests/determinism/test_engine_hashes.py"
    session.run("pytest", test, *session.posargs, env={"BCELOGITS_TESTS_NEED_ALL": "1"})


@nox.session
def examples(session: nox.Session) -> None:
    """The examples in Python; tests build and run those in C and C++."""
    install(session, "test", "frameworks")
    session.run("python", "examples/one_vs_rest_digits.py")
    session.run("python", "examples/torch_multilabel.py", "--epochs", "2")


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lint rules, types, and what the compiler must not have produced."""
    install(session, "lint", "test")
    session.run("ruff", "check", ".", ACL)
    session.run("ruff", "format", "--check", ".", ACL)
    session.run("mypy")
    session.run("mypy", ACL)
    session.run("python", "tools/check_native.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Timings against peers, installed if they are named as arguments: every figure of the README and the docs."""
    install(session, "test", "bench")
    if session.posargs:
        session.install(*session.posargs)
    rows = "benchmarks/results/latest.csv"
    where = ["--csv", rows, "--markdown", "docs/benchmarks.md", "--plot", "docs/roofline.svg"]
    session.run("python", "-m", "benchmarks", *where)
    session.run("python", "-m", "benchmarks.torch_table", rows, "docs/torch.md")


@nox.session
def accuracy(session: nox.Session) -> None:
    """For every night: all float32 logits and long searches, for this package and others; see docs/accuracy.md.

    Rewrites the page: a quarter of an hour on two cores, too long for CI. In parts: `-- --full --only float64 ...`.
    """
    install(session, "test", "frameworks")
    files = ["--markdown", "docs/accuracy.md", "--json", "build/accuracy.json"]
    session.run("python", "tools/accuracy.py", *(session.posargs or ["--full"]), *files)


@nox.session
def scoreboard(session: nox.Session) -> None:
    """Verdicts on the frameworks that are installed, for docs/scoreboard.md: a quarter of an hour."""
    install(session, "test")
    if session.posargs:
        session.install(*session.posargs)
    session.run("python", "tools/scoreboard.py", "--markdown", "docs/scoreboard.md")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every example that the documentation shows."""
    install(session, "test")
    session.run("pytest", "tests/package", "-k", "doc")


@nox.session
def gate(session: nox.Session) -> None:
    """What must pass before a change lands."""
    session.notify("lint")
    session.notify("test")
    session.notify("docs")
