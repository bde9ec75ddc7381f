"""The published rules by name: one module for each standard, its numbers in one table beside their source.

>>> from bcelogits.verify import profiles
>>> profiles.get("cann-mixed").version
'v2, 2026-09 (233ee24, PR 924)'
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bcelogits.verify._model import Profile

from . import (
    ascendoptest,
    cann_dual,
    cann_mere,
    cann_mixed,
    isclose,
    msprobe_abs,
    msprobe_bench,
    msprobe_single,
    msprobe_ulp,
    thousandth,
    ulp,
)

__all__ = ["DEFAULT", "PROFILES", "get"]

_MODULES = (
    cann_mixed,
    ulp,
    cann_mere,
    cann_dual,
    msprobe_bench,
    msprobe_abs,
    msprobe_ulp,
    msprobe_single,
    thousandth,
    ascendoptest,
    isclose,
)

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {profile.name: profile for module in _MODULES for profile in module.PROFILES}
)
"""All profiles, by name."""

DEFAULT = ("cann-mixed", "ulp")
"""What is judged by where nothing is asked for: CANN's current rule, and the one that sees a lost tail."""


def get(name: str) -> Profile:
    """The profile of that name.

    Raises:
        ValueError: there is none; the text lists the names.
    """
    if name not in PROFILES:
        raise ValueError(f"profile: {name!r}, expected one of {', '.join(PROFILES)}")
    return PROFILES[name]
