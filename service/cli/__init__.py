"""The command line: a composition root."""

import signal
import sys


def main() -> None:
    """Entry point of the `rebill` script."""
    from service.cli.commands import run

    # Told to stop by a service manager is as good as told by a key: nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))
