"""The command line: a composition root."""

import sys


def main() -> None:
    """Entry point of the `rebill` script."""
    from service.cli.commands import run

    sys.exit(run(sys.argv[1:]))
