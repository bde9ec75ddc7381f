"""`python -m bcelogits.cli` is the command `bcelogits`."""

import sys

from bcelogits.cli import main

sys.exit(main())
