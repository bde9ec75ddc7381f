"""All contenders by name; only this file imports them all, so that the others know no circle."""

from __future__ import annotations

from benchmarks.bandwidth import NumpyLimit, TorchLimit
from benchmarks.contenders import (
    Contender,
    NumpyInPlace,
    NumpyOneLiner,
    OptaxDonated,
    OptaxJit,
    Ours,
    OursInPlace,
    OursTorch,
    TensorflowXla,
    TorchCompile,
    TorchCompileInPlace,
    TorchEager,
)
from benchmarks.empty import EmptyCall
from benchmarks.limit import NativeLimit
from benchmarks.threads import OneThread, OneThreadRested, Rested

CLASSES: tuple[type[Contender], ...] = (  # in the order of the tables
    Ours,
    OursInPlace,
    OursTorch,
    NumpyOneLiner,
    NumpyInPlace,
    TorchEager,
    TorchCompile,
    TorchCompileInPlace,
    OptaxJit,
    OptaxDonated,
    TensorflowXla,
    OneThread,
    Rested,
    OneThreadRested,
    EmptyCall,
    NativeLimit,
    NumpyLimit,
    TorchLimit,
)
CONTENDERS = {cls.name: cls for cls in CLASSES}
