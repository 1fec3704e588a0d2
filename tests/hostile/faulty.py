"""The program `gombus` with a fault planted.

python faulty.py FAULT serve …
"""

from __future__ import annotations

import sys

from faults import FAULTS

from gombus.cli import main

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)].plant()
    sys.exit(main())
