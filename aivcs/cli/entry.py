"""Where the program begins: Ctrl-C is answered before anything else is loaded."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final, NoReturn

if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED: Final = 130


def run() -> int:
    """Run the program and return its exit status; Ctrl-C gives 130 and no traceback.

    A signal handler that is not Python's own (nohup, another program) stays.
    """
    import signal

    own = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if own:
        signal.signal(signal.SIGINT, _leave)
    from aivcs.cli.main import main

    try:
        if own:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = main()
        # All is done and said; the interpreter only clears up.
        if own:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        _leave()
    return status


def asks_json(given: Sequence[str]) -> bool:
    """Tell whether ``--json`` stands among the program's own arguments, parsed or not."""
    own = given[: given.index("--")] if "--" in given else given
    return "--json" in own


def _leave(*_: object) -> NoReturn:
    """End the process at once: nothing has begun that would have to be ended well."""
    told = b"error: interrupted\n"
    if asks_json(sys.argv[1:]):
        told = b'{"error": {"code": "interrupted", "message": "interrupted", "hint": null}}\n'
    try:
        os.write(2, told)
    finally:
        os._exit(_INTERRUPTED)
