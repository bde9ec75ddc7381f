"""Derive every constant of the kernels and write native/engine/kernels/constants.hpp.

Each polynomial is a nearly minimax fit (Lawson's reweighted least squares in 60-digit arithmetic, mpmath)
whose leading coefficients are fixed exactly.  Its coefficients are then rounded to the format they are used in one at a
time, lowest power first, refitting those that remain, so that the rounding of one is absorbed by the
others.  The error that each *rounded* polynomial proves (on a dense grid of the interval) is written beside it.

    python tools/derive_constants.py            # rewrites the header
    python tools/derive_constants.py --check    # fails if the header is not what this script derives

Needs mpmath.  Takes about a minute.
"""

from __future__ import annotations

import argparse
import struct
import sys
from collections.abc import Callable
from pathlib import Path

import mpmath
from mpmath import mp, mpf

mp.dps = 60
HEADER = Path(__file__).resolve().parent.parent / "native" / "engine" / "kernels" / "constants.hpp"
Fn = Callable[[mpf], mpf]


def to_f32(value: mpf) -> mpf:
    """Round to binary32 (to nearest even; the values here are far from its limits)."""
    return _round_bits(value, 24)


def to_f64(value: mpf) -> mpf:
    """Round to binary64."""
    return _round_bits(value, 53)


def _round_bits(value: mpf, bits: int) -> mpf:
    with mp.workprec(bits):
        return +value


def minimax(f: Fn, weight: Fn, powers: list[int], lo: mpf, hi: mpf) -> list[mpf]:
    """Nearly minimax polynomial  sum(c_k x**k for k in powers)  for f on [lo, hi].

    Weighted least squares on Chebyshev points, reweighted by the error it leaves (Lawson's iteration).
    """
    count = 12 * (len(powers) + 2)
    grid = [(lo + hi) / 2 - (hi - lo) / 2 * mpmath.cos(mp.pi * (2 * i + 1) / (2 * count)) for i in range(count)]
    target, weights = [f(x) for x in grid], [weight(x) for x in grid]
    lawson = [mpf(1)] * count
    best: list[mpf] = []
    best_error = mpf("inf")
    for _ in range(14):
        rows = range(len(powers))
        normal, rhs = mpmath.matrix(len(powers), len(powers)), mpmath.matrix(len(powers), 1)
        for x, y, w, m in zip(grid, target, weights, lawson, strict=True):
            scaled, basis = m * w * w, [x**k for k in powers]
            for i in rows:
                rhs[i] += scaled * basis[i] * y
                for j in rows:
                    normal[i, j] += scaled * basis[i] * basis[j]
        coefficients = list(mpmath.lu_solve(normal, rhs))
        error = [
            abs(w * (sum(c * x**k for c, k in zip(coefficients, powers, strict=True)) - y))
            for x, y, w in zip(grid, target, weights, strict=True)
        ]
        if max(error) < best_error:
            best, best_error = coefficients, max(error)
        total = sum(m * e for m, e in zip(lawson, error, strict=True))
        lawson = [m * e / total * count for m, e in zip(lawson, error, strict=True)]
    return best


def fit_rounded(
    f: Fn, weight: Fn, degree: int, lo: mpf, hi: mpf, rounded: Callable[[mpf], mpf], fixed: dict[int, mpf] | None = None
) -> tuple[list[mpf], mpf]:
    """Coefficients 0..degree, each representable, and the largest weighted error on a grid."""
    known: dict[int, mpf] = dict(fixed or {})
    for power in range(degree + 1):
        if power in known:
            continue
        free = [k for k in range(degree + 1) if k not in known]
        rest: Fn = lambda x, k=dict(known): f(x) - sum(c * x**p for p, c in k.items())  # noqa: E731
        known[power] = rounded(minimax(rest, weight, free, lo, hi)[0])
    result = [known[k] for k in range(degree + 1)]
    worst = mpf(0)
    for i in range(4001):
        x = lo + (hi - lo) * i / 4000
        worst = max(worst, abs(weight(x) * (sum(c * x**k for k, c in enumerate(result)) - f(x))))
    return result, worst


def series_safe(closed: Fn, series: Fn) -> Fn:
    """`closed` suffers from cancellation near 0: use the series there."""
    return lambda x: series(x) if abs(x) < mpf("1e-12") else closed(x)


def hexfloat(value: mpf, bits: int) -> str:
    """A C++ hexadecimal literal that names the value exactly."""
    text = float(value).hex()
    return text + ("f" if bits == 24 else "")


LN2 = mpmath.log(2)
exp_tail = series_safe(lambda r: (mpmath.exp(r) - 1 - r) / r**2, lambda r: mpf(1) / 2 + r / 6)
TABLE_SIZE = 4  # powers 2^(j/4): what one permutation inside 128 bits can look up
MAGIC = 12582912  # 1.5 * 2^23: adding it to a float leaves the nearest integer in the low bits


# log1p(u) = s*u + u*M(u): a share of u that needs no rounding, so that only u*M does. The larger s, the larger M (and
# its rounding errors) near u = 1, the smaller, near u = 0. With this s all s*2^(j/4), j = 0..3, are floats to 2^-30, so
# that a table of floats needs no low parts; of twenty such numbers between 0.79 and 0.826 it has the smallest error of
# the loss over all float32 logits (0.976 ULP; the others up to 1.05).
SHARE = mpf(13_698_692) / 2**24
LOG1P_CENTRE = to_f32(SHARE / 2)
log1p_rest = series_safe(lambda u: mpmath.log1p(u / SHARE) / u - 1, lambda u: 1 / SHARE - 1 - u / SHARE**2 / 2)
LOG1P_DEGREE = 10


def atanh_tail(z: mpf) -> mpf:
    """R(z), z = s*s, of  log1p(f) = f - (h - s*(h + R)),  h = f*f/2, s = f/(2+f)  (Ng, FreeBSD msun)."""
    if z < mpf("1e-15"):
        return mpf(2) / 3 + mpf(2) / 5 * z
    s = mpmath.sqrt(z)
    return (2 * mpmath.atanh(s) / s - 2) / z


def polynomials() -> list[tuple[str, str, str, list[mpf], mpf, int]]:
    """Name, meaning, measure of the error, coefficients, error and precision of each polynomial."""
    half = LN2 / 2 * mpf("1.0001")
    out = []
    eighth = LN2 / (2 * TABLE_SIZE) * mpf("1.0005")
    c, e = fit_rounded(exp_tail, lambda r: r**2 / mpmath.exp(r), 3, -eighth, eighth, to_f32, {0: mpf(1) / 2})
    out.append(("kExpTail", "(exp(r) - 1 - r)/r^2 on |r| <= ln2/8", "relative to exp(r)", c, e, 24))
    # In v = u - centre the rounding errors of Horner's rule are damped by |v| <= centre.
    centre = LOG1P_CENTRE
    c, e = fit_rounded(
        lambda v: log1p_rest(v + centre),
        lambda v: (v + centre) / mpmath.log1p((v + centre) / SHARE),
        LOG1P_DEGREE,
        mpf("1e-9") - centre,
        SHARE * mpf("1.0000002") - centre,
        to_f32,
    )
    out.append(
        (
            "kLog1pRest",
            "log1p(U/kShare)/U - 1 on [0, kShare] in v = U - kCentre",
            "relative to log1p",
            c,
            e,
            24,
        )
    )
    c, e = fit_rounded(exp_tail, lambda r: r**2 / mpmath.exp(r), 9, -half, half, to_f64, {0: mpf(1) / 2})
    out.append(("kExpTail64", "(exp(r) - 1 - r)/r^2 on |r| <= ln2/2", "relative to exp(r)", c, e, 53))
    # |f| <= 1/2, so s = f/(2+f) <= 1/5
    c, e = fit_rounded(atanh_tail, lambda z: z, 7, mpf(0), mpf("0.0401"), to_f64)
    out.append(
        (
            "kAtanhTail64",
            "(2 atanh(s)/s - 2)/s^2 in z = s^2 on [0, 0.04]",
            "z times the absolute error, relative to log1p",
            c,
            e,
            53,
        )
    )
    return out


def scalars() -> list[tuple[str, str, mpf, int]]:
    """Name, meaning, value and precision of each constant."""
    ln2_hi64 = _round_bits(LN2, 42)  # n*ln2_hi is exact for |n| < 2^11
    step = LN2 / TABLE_SIZE
    return [
        ("kSteps", "4/ln 2", to_f32(1 / step), 24),
        ("kStepHi", "ln 2/4, high part; the fma that uses it is exact", to_f32(step), 24),
        ("kStepLo", "ln 2/4 - kStepHi", to_f32(step - to_f32(step)), 24),
        ("kMagic", "1.5*2^23: its sum with a float has the nearest integer in its low bits", mpf(MAGIC), 24),
        ("kShare", "what the table's entries are multiplied by", SHARE, 24),
        ("kCentre", "kShare/2", LOG1P_CENTRE, 24),
        ("kLog2e64", "log2(e)", to_f64(1 / LN2), 53),
        ("kLn2Hi64", "ln 2 to 42 bits", ln2_hi64, 53),
        ("kLn2Lo64", "ln 2 - kLn2Hi64", to_f64(LN2 - ln2_hi64), 53),
    ]


def table() -> tuple[list[int], mpf]:
    """Bits to which (kMagic + n) << 21 is added for kShare*2^(n/4), n mod 4 = 0..3; and what rounding them loses."""
    words, worst = [], mpf(0)
    for j in range(TABLE_SIZE):
        exact = SHARE * mpf(2) ** (mpf(j) / TABLE_SIZE)
        value = to_f32(exact)
        worst = max(worst, abs(value / exact - 1))
        magic = struct.unpack("<I", struct.pack("<f", float(MAGIC + j)))[0]
        bits = struct.unpack("<I", struct.pack("<f", float(value)))[0]
        words.append((bits - (magic << 21)) % 2**32)
    return words, worst


def render() -> str:
    """The whole header."""
    lines = [
        "// Constants of the kernels: generated by tools/derive_constants.py; do not edit.",
        "// The error beside each polynomial is that of its rounded coefficients in exact arithmetic.",
        "#pragma once",
        "",
        "#include <cstdint>",
        "",
        "namespace bcelogits::constants {",
        "namespace {  // internal linkage: the ISA objects share no symbol",
        "",
    ]
    for name, meaning, value, bits in scalars():
        kind = "float" if bits == 24 else "double"
        lines.append(f"constexpr {kind} {name} = {hexfloat(value, bits)};  // {meaning}")
    words, worst = table()
    lost = mpmath.nstr(mpmath.log(worst, 2), 4)
    lines += ["", f"// kShare*2^(j/4) less the bits of (kMagic + j) << 21; rounding loses 2^{lost}."]
    lines.append(f"constexpr std::uint32_t kPowers[{len(words)}] = {{{', '.join(f'{w:#010x}u' for w in words)}}};")
    for name, meaning, relative, values, error, bits in polynomials():
        kind = "float" if bits == 24 else "double"
        bits_of_error = mpmath.nstr(mpmath.log(error, 2), 5)
        lines += ["", f"// {meaning}; max error {mpmath.nstr(error, 4)} = 2^{bits_of_error} ({relative})."]
        body = ", ".join(hexfloat(v, bits) for v in values)
        lines.append(f"constexpr {kind} {name}[{len(values)}] = {{{body}}};")
    lines += ["", "}  // namespace", "}  // namespace bcelogits::constants", ""]
    return "\n".join(lines)


def main() -> int:
    """Write the header, or compare it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    args = parser.parse_args()
    text = render()
    if args.check:
        if HEADER.read_text() != text:
            print(f"{HEADER} is not what this script derives", file=sys.stderr)
            return 1
        return 0
    HEADER.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
