"""One word per task: build, test, exhaustive, aarch64, lint, bench, accuracy, scoreboard, docs, gate."""

from __future__ import annotations

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["gate"]
nox.options.reuse_existing_virtualenvs = True

ACL = "src/bcelogits/cann/python/site-packages/acl/__init__.py"  # linters leave folders of that name alone
TEST = ["pytest", "-m", "not exhaustive"]


@nox.session
def build(session: nox.Session) -> None:
    """Build wheel and sdist into dist/."""
    session.install("build")
    session.run("python", "-m", "build", *session.posargs)


@nox.session
def test(session: nox.Session) -> None:
    """The README's test command."""
    session.install(".[test]")
    session.run(*TEST, *session.posargs)


@nox.session
def exhaustive(session: nox.Session) -> None:
    """The long sweeps alone."""
    session.install(".[test]")
    session.run("pytest", "-m", "exhaustive", *session.posargs)


@nox.session
def aarch64(session: nox.Session) -> None:
    """The same bits on AArch64: cross-compiled, emulated (Debian: g++-aarch64-linux-gnu, qemu-user)."""
    session.install(".[test]")
    test = "tests/determinism/test_engine_hashes.py"
    session.run("pytest", test, *session.posargs, env={"BCELOGITS_TESTS_NEED_ALL": "1"})


@nox.session
def lint(session: nox.Session) -> None:
    """Formatting, lint rules, types, and what the compiler must not have produced."""
    session.install(".[lint,test]")
    session.run("ruff", "check", ".", ACL)
    session.run("ruff", "format", "--check", ".", ACL)
    session.run("mypy")
    session.run("mypy", ACL)
    session.run("python", "tools/check_native.py")


@nox.session
def bench(session: nox.Session) -> None:
    """Timings against peers, installed if they are named as arguments: every figure of the README and the docs."""
    session.install(".[test,bf16,bench]", *(session.posargs or []))
    rows = "benchmarks/results/latest.csv"
    where = ["--csv", rows, "--markdown", "docs/benchmarks.md", "--plot", "docs/roofline.svg"]
    session.run("python", "-m", "benchmarks", *where)
    session.run("python", "-m", "benchmarks.torch_table", rows, "docs/torch.md")


@nox.session
def accuracy(session: nox.Session) -> None:
    """For every night: all float32 logits and long searches, for this package and others; see docs/accuracy.md.

    Rewrites the page: a quarter of an hour on two cores, too long for CI. In parts: `-- --full --only float64 ...`.
    """
    session.install(".[test,bf16]", "torch==2.13.0", "optax==0.2.8", "tensorflow-cpu==2.21.0")
    files = ["--markdown", "docs/accuracy.md", "--json", "build/accuracy.json"]
    session.run("python", "tools/accuracy.py", *(session.posargs or ["--full"]), *files)


@nox.session
def scoreboard(session: nox.Session) -> None:
    """Verdicts on the frameworks that are installed, for docs/scoreboard.md: a quarter of an hour."""
    session.install(".[test,bf16]", *(session.posargs or []))
    session.run("python", "tools/scoreboard.py", "--markdown", "docs/scoreboard.md")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every example that the documentation shows."""
    session.install(".[test]")
    session.run("pytest", "tests/package", "-k", "doc")
    session.run("python", "examples/one_vs_rest_digits.py")


@nox.session
def gate(session: nox.Session) -> None:
    """What must pass before a change lands."""
    session.notify("lint")
    session.notify("test")
    session.notify("docs")
