"""Inline SVG: scales, axes and paths, as little text as will do. Colours are classes of the page's style sheet."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

__all__ = ["Picture", "Scale", "decades", "exponent_label", "linear_ticks"]

WIDTH, HEIGHT = 360, 236
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 36


@dataclass(frozen=True)
class Scale:
    """Maps values to pixels: `transform` of the value, then linearly from `low`..`high` to `start`..`end`."""

    low: float
    high: float
    start: float
    end: float
    transform: Callable[[float], float] = float

    def __call__(self, value: float) -> float:
        """The pixel of a value; beyond the ends that of the end."""
        low, high = self.transform(self.low), self.transform(self.high)
        place = (self.transform(min(max(value, self.low), self.high)) - low) / (high - low)
        return self.start + place * (self.end - self.start)


def linear_ticks(low: float, high: float, count: int = 6) -> list[float]:
    """Round numbers within low..high, about `count` of them."""
    rough = (high - low) / count
    base = 10.0 ** math.floor(math.log10(rough))
    step = next(base * factor for factor in (1, 2, 5, 10) if base * factor >= rough)
    return [index * step for index in range(math.ceil(low / step), math.floor(high / step) + 1)]


def decades(low: int, high: int, count: int) -> list[int]:
    """Exponents of ten within low..high, evenly spaced, at most `count` of them."""
    step = next(
        (step for step in (1, 2, 3, 5, 10, 20, 50, 100, 200) if (high - low) // step < count), max(1, high - low)
    )
    return [exponent for exponent in range(low, high + 1) if exponent % step == 0]


def exponent_label(exponent: int) -> str:
    """10**exponent as a label: 0.01 to 1000 in full, else 1e7."""
    return f"{10.0**exponent:g}" if -2 <= exponent <= 3 else f"1e{exponent}"


@dataclass
class Picture:
    """One picture with axes. Everything drawn is kept as text in order; texts given are escaped here."""

    title: str
    description: str
    identifier: str
    template: str = ""  # of the notes: {0}, {1}, ... stand for the figures of a place
    parts: list[str] = field(default_factory=list)
    _notes: list[tuple[int, str]] = field(default_factory=list)

    def path(self, classes: str, commands: Iterable[str]) -> None:
        """A path of commands; nothing if there are none."""
        text = "".join(commands)
        if text:
            self.parts.append(f'<path class="{classes}" d="{text}"/>')

    def text(self, x: float, y: float, words: str, anchor: str = "m", classes: str = "") -> None:
        """A text; anchor s, m or e: it starts at, is centred at, or ends at x."""
        names = " ".join(filter(None, ({"s": "", "m": "tm", "e": "te"}[anchor], classes)))
        attribute = f' class="{names}"' if names else ""
        self.parts.append(f'<text x="{x:.0f}" y="{y:.0f}"{attribute}>{html.escape(words)}</text>')

    def x_axis(self, ticks: Sequence[tuple[float, str]], label: str) -> None:
        """Ticks at pixels with their labels below the picture; a label that would touch the one before is left out."""
        bottom = HEIGHT - BOTTOM
        self.path("grid", (f"M{x:.0f} {TOP}V{bottom}" for x, _ in ticks))
        free = 0.0
        for x, words in sorted(ticks):
            half = len(words) * 3.1 + 3
            x_text = min(max(x, half), WIDTH - half)
            if x_text - half >= free:
                self.text(x_text, bottom + 14, words)
                free = x_text + half
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, label)

    def y_axis(self, ticks: Sequence[tuple[float, str]]) -> None:
        """Ticks at pixels with their labels left of the picture."""
        self.path("grid", (f"M{LEFT} {y:.0f}H{WIDTH - RIGHT}" for y, _ in ticks))
        for y, words in ticks:
            self.text(LEFT - 4, y + 4, words, "e")

    def note(self, x: float, *figures: str) -> None:
        """The figures of the place x, said when it is pointed at or reached by the arrow keys."""
        self._notes.append((round(x), "|".join(figures)))

    def frame(self) -> None:
        """The left and the lower edge."""
        self.path("axis", [f"M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}"])

    @property
    def has_notes(self) -> bool:
        """Whether there is something to say of places."""
        return bool(self._notes)

    def svg(self) -> str:
        """The picture as an svg element, described for those who do not see it."""
        notes = ""
        if self._notes:
            data = ";".join(f"{x}|{figures}" for x, figures in sorted(self._notes))
            notes = f' tabindex="0" data-say="{html.escape(self.template)}" data-notes="{html.escape(data)}"'
        label = f"{self.identifier}t {self.identifier}d"
        head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-labelledby="{label}"{notes}>'
        title = f'<title id="{self.identifier}t">{html.escape(self.title)}</title>'
        description = f'<desc id="{self.identifier}d">{html.escape(self.description)}</desc>'
        return f"{head}{title}{description}{''.join(self.parts)}</svg>"
