"""Lines of the largest error against the logit, as SVG that any page can show, light or dark; the same bytes again.

The axis of logits is logarithmic to both sides of a strip for all below 2**-30; strips at the ends are for all from
2**10 on. One panel for each target.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from html import escape

from accuracy_report import logit_bins

_WIDTH, _LEFT, _RIGHT = 960, 62, 16
_PANEL, _GAP, _TOP, _BOTTOM = 270, 46, 96, 46
# Decades of ULP; less is drawn at the bottom. What is no number, between the last two.
_LOW, _HIGH, _ABOVE, _END = -1.0, 8.0, 8.7, 9.2
_STRIP = 1.0  # width of the strips, in binades
_HALF = logit_bins.MOST - logit_bins.LEAST + 2 * _STRIP - _STRIP / 2
# The first is this package. Colours that all kinds of eyes tell apart (Okabe and Ito).
_MOST = 6
_STYLE = """
  .c0 { stroke: #0072b2 } .c1 { stroke: #e69f00 } .c2 { stroke: #d55e00 } .c3 { stroke: #cc79a7 }
  .c4 { stroke: #009e73 } .c5 { stroke: #7f7f7f }
  .page { fill: #ffffff } .ink { fill: #24292f } .line { stroke: #24292f } .grid { stroke: #d8dee4 }
  @media (prefers-color-scheme: dark) {
    .page { fill: #0d1117 } .ink { fill: #e6edf3 } .line { stroke: #e6edf3 } .grid { stroke: #30363d }
    .c0 { stroke: #58a6ff }
  }
  text { font: 13px system-ui, sans-serif } .title { font-size: 16px; font-weight: 600 }
  .error { fill: none; stroke-linejoin: round } .mark { stroke-dasharray: 5 4 }
"""


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _x(sign: int, magnitude: float) -> float:
    """The place of a logit whose magnitude is an edge of a bin."""
    binades = math.log2(magnitude) - logit_bins.LEAST + _STRIP / 2
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (0.5 + sign * binades / (2 * _HALF))


def _y(error: float, top: float) -> float:
    decade = _ABOVE if math.isinf(error) else min(max(math.log10(max(error, 1e-300)), _LOW), _HIGH)
    return top + _PANEL * (_END - decade) / (_END - _LOW)


def _path(errors: dict[str, list[float]], target: int, top: float) -> str:
    """Steps from the left to the right; bins without points are left out."""
    end = _LEFT + (_WIDTH - _LEFT - _RIGHT) / 2
    right = [_x(1, edge) for edge in logit_bins.edges()] + [float(_WIDTH - _RIGHT)]
    spans = list(zip([end, *right], right, strict=False))
    steps = [(2 * end - b, 2 * end - a, e) for (a, b), e in zip(spans, errors[logit_bins.key(-1, target)], strict=True)]
    steps = steps[::-1] + [(a, b, e) for (a, b), e in zip(spans, errors[logit_bins.key(1, target)], strict=True)]
    path, last = "", None
    for left, to, error in steps:
        if error < 0:
            continue
        height = _number(_y(error, top))
        if height != last:  # equal neighbours are one step
            path += f"{'V' if last else f'M{_number(left)} '}{height}"
        path += f"H{_number(to)}"
        last = height
    return path


def _axes(target: int, top: float) -> Iterator[str]:
    right, bottom = _WIDTH - _RIGHT, top + _PANEL
    for decade in (-1, 0, 1, 2, 4, 6, 8):
        y = _number(_y(10.0**decade, top))
        label = f"{10.0**decade:g}" if decade < 4 else f"1e{decade}"
        yield f'<path class="grid" d="M{_LEFT} {y}H{right}"/>'
        yield f'<text class="ink" x="{_LEFT - 6}" y="{y}" text-anchor="end" dominant-baseline="central">{label}</text>'
    y = _number(_y(math.inf, top))
    yield f'<text class="ink" x="{_LEFT - 6}" y="{y}" text-anchor="end" dominant-baseline="central">NaN</text>'
    for sign in (-1, 1):
        for exponent in (-8, -6, -4, -2, 0, 1, 2):
            x = _number(_x(sign, 10.0**exponent))
            yield f'<path class="grid" d="M{x} {_number(top)}V{_number(bottom)}"/>'
            if exponent != 1:
                label = f"{10.0**exponent:g}" if exponent > -3 else f"1e{exponent}"
                label = ("−" if sign < 0 else "") + label
                yield f'<text class="ink" x="{x}" y="{_number(bottom + 16)}" text-anchor="middle">{label}</text>'
    middle = _number(_LEFT + (right - _LEFT) / 2)
    yield f'<text class="ink" x="{middle}" y="{_number(bottom + 16)}" text-anchor="middle">0</text>'
    for error in (0.5, 1.0):
        yield f'<path class="line mark" d="M{_LEFT} {_number(_y(error, top))}H{right}"/>'
    yield f'<rect class="line" fill="none" x="{_LEFT}" y="{_number(top)}" width="{right - _LEFT}" height="{_PANEL}"/>'
    yield f'<text class="ink" x="{_LEFT}" y="{_number(top - 8)}">ULP, target {target}</text>'
    note = "dashed: 0.5 and 1 ULP"
    yield f'<text class="ink" x="{right}" y="{_number(top - 8)}" text-anchor="end">{note}</text>'


def figure(title: str, contenders: dict[str, dict[str, list[float]]]) -> str:
    """The SVG of all contenders' lines; the first is drawn last, over the others."""
    height = _TOP + 2 * _PANEL + _GAP + _BOTTOM
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<rect class="page" width="{_WIDTH}" height="{height}"/>',
        f'<text class="ink title" x="{_LEFT}" y="26">{escape(title)}, by logit</text>',
    ]
    x = float(_LEFT)
    shown = list(enumerate(contenders.items()))[:_MOST]
    for number, (name, _) in shown:
        lines.append(f'<path class="c{number}" d="M{_number(x)} 47h22" stroke-width="4"/>')
        short = name.split(", jax")[0]
        lines.append(f'<text class="ink" x="{_number(x + 28)}" y="52">{escape(short)}</text>')
        x += 28 + 7.4 * len(short) + 20
    for target in (0, 1):
        top = _TOP + target * (_PANEL + _GAP)
        lines += _axes(target, top)
        # Those below are wider, so that equal ones show.
        for number, (_, errors) in reversed(shown):
            width = 0.7 * (number + 1) if number else 2
            path = _path(errors, target, top)
            lines.append(f'<path class="error c{number}" stroke-width="{width:g}" d="{path}"/>')
    lines.append(f'<text class="ink" x="{_WIDTH / 2:g}" y="{height - 8}" text-anchor="middle">logit</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"
