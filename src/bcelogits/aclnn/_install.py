"""Makes `import acl` work in this process."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from bcelogits import _cann

__all__ = ["install_acl"]


def install_acl() -> ModuleType:
    """Make ``import acl`` find our module with the calling conventions of pyACL, and return it.

    Nothing else makes it importable, besides the environment that ``bcelogits run`` and ``set_env.sh`` set.

    Raises:
        RuntimeError: another module of this name is imported already.

    Example:
        >>> from bcelogits import aclnn
        >>> acl = aclnn.install_acl()
        >>> acl.init() in (0, 100002)  # 100002: initialised already
        True
    """
    folder = str(_cann.root() / "python" / "site-packages")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = importlib.import_module("acl")
    if not str(module.__file__).startswith(folder):
        raise RuntimeError(f"acl: imported already from {module.__file__}")
    return module
