"""`python -m portalgen` is the same as `portalgen`."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from typing import NoReturn


def run() -> NoReturn:
    """The program as a whole process. Taking all it has read apart would be a tenth of a build that changes nothing.

    Most commands are over before looking for cycles in memory could pay; what stays longer turns that on again.
    """
    gc.disable()
    from portalgen.cli import main

    code: object = 1
    try:
        main(prog_name="portalgen")
    except SystemExit as done:
        code = done.code
    if isinstance(code, str):
        print(code, file=sys.stderr)
    for stream in filter(None, (sys.stdout, sys.stderr)):  # neither is there when it was closed before
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    run()
