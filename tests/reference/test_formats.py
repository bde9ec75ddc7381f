"""The package's table of formats has the numbers of NumPy's and ml_dtypes' own, and of the tests'."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest
from oracle import DTYPES, FORMATS, LONG

from bcelogits import _formats
from bcelogits._formats import format_of


@pytest.mark.parametrize("name", LONG)
def test_a_format_has_the_numbers_that_its_dtype_has(name: str) -> None:
    form, info = _formats.FORMATS[name], ml_dtypes.finfo(DTYPES[LONG[name]])
    assert (form.fraction_bits, form.emin, form.emax) == (info.nmant, info.minexp, info.maxexp - 1)
    assert (form.fraction_bits, form.emin) == FORMATS[form.dtype_name]
    assert form.max_finite == float(info.max)
    assert form.min_normal == float(info.smallest_normal)
    assert form.min_subnormal == float(info.smallest_subnormal)
    assert form.dtype == DTYPES[form.dtype_name]
    assert form.bits.kind == "u"
    assert form.bits.itemsize == form.dtype.itemsize


@pytest.mark.parametrize("name", LONG)
def test_a_format_goes_by_its_names_and_by_its_dtype(name: str) -> None:
    dtype = DTYPES[LONG[name]]
    assert {format_of(given).name for given in (name, LONG[name], dtype, dtype.type)} == {name}


@pytest.mark.parametrize("other", ["int32", np.dtype(np.complex64), np.longdouble, bool])
def test_no_other_dtype_has_a_format(other: object) -> None:
    with pytest.raises(TypeError, match="expected float16, bfloat16, float32 or float64"):
        format_of(other)


@pytest.mark.parametrize("wide", LONG)
@pytest.mark.parametrize("narrow", LONG)
def test_a_format_holds_another_if_every_number_of_it_comes_back(wide: str, narrow: str) -> None:
    edges = [1 + 2.0 ** -FORMATS[LONG[narrow]][0], _formats.FORMATS[narrow].max_finite]
    edges.append(_formats.FORMATS[narrow].min_subnormal)
    with np.errstate(over="ignore"):
        back = [float(np.array([edge]).astype(DTYPES[LONG[wide]])[0]) for edge in edges]
    assert _formats.FORMATS[wide].holds(_formats.FORMATS[narrow]) == (back == edges)


def test_the_unit_in_the_last_place_at_the_ends_of_a_format() -> None:
    f16 = _formats.FORMATS["f16"]
    units = f16.ulp(np.array([0.0, 2.0**-24, 2.0**-14, 1.0, -2.0, 65504.0, 1e9, math.inf, math.nan]))
    assert units[:-1].tolist() == [2.0**-24, 2.0**-24, 2.0**-24, 2.0**-10, 2.0**-9, 32, 32, 32]
    assert math.isnan(units[-1])
