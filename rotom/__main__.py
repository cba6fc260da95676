"""``python -m rotom``: the same as the ``rotom`` command."""

import sys

from rotom.cli import main

if __name__ == "__main__":
    sys.exit(main())
