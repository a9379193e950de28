#!/usr/bin/env python3
"""Puts on this machine whatever a command of this project needs; what is there already is left alone.

    python scripts/setup.py          everything
    python scripts/setup.py run      what running, measuring and bundling the app need
    python scripts/setup.py test     that, and what the tests need
    python scripts/setup.py check    what the linters and type checks need

Python 3.9 or newer, standard library only. The steps are in the package `papr_setup` beside this file.
"""

import sys

if sys.version_info < (3, 9):
    sys.exit(
        "Set-up stopped: this is Python %d.%d, and 3.9 or newer is needed." % sys.version_info[:2]
        + "\nWhat to do: run it with a newer one, for example: make PYTHON=python3.11 run"
    )

from papr_setup.main import main  # noqa: E402 (an older Python could not read it)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
