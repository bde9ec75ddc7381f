"""Golden data for binary cross-entropy with logits: operands that find what is wrong, and the truth for them.

    >>> from bcelogits import golden
    >>> cases = golden.load_suite("smoke")
    >>> cases[0].name, cases[0].op.aclnn
    ('smoke_loss_f32_16x24_none', 'aclnnBinaryCrossEntropyWithLogits')
    >>> operands = golden.make_operands(cases[0])
    >>> operands.logits.shape, operands.logits.dtype.name
    ((16, 24), 'float32')

`write` puts cases into a folder, in a file layout that devices' test programs read; `bcelogits verify`, or
:mod:`bcelogits.verify`, judges what they computed. The command is `bcelogits golden`; docs/verify.md walks through.
"""

from bcelogits.golden._families import FAMILIES, make_operands
from bcelogits.golden._layouts import LAYOUTS
from bcelogits.golden._model import Case, Operands
from bcelogits.golden._suite import PRESETS, load_suite, parse_suite
from bcelogits.golden._write import write
from bcelogits.golden.file_names import FILE_LAYOUTS
from bcelogits.golden.manifest import read_manifest
from bcelogits.golden.problem import short_name
from bcelogits.reference.truth import Flag, Op, Special, Truth, elementwise

__all__ = [
    "FAMILIES",
    "FILE_LAYOUTS",
    "LAYOUTS",
    "PRESETS",
    "Case",
    "Flag",
    "Op",
    "Operands",
    "Special",
    "Truth",
    "elementwise",
    "load_suite",
    "make_operands",
    "parse_suite",
    "read_manifest",
    "short_name",
    "write",
]
