"""The command line: a composition root."""

import signal
import sys
import traceback


def main() -> None:
    """Entry point of the `rebill` script."""
    from service.cli.application import EXIT_DEFECT
    from service.cli.commands import run

    # Told to stop by a service manager is as good as told by a key: nothing is left running.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        status = run(sys.argv[1:])
    except Exception:  # noqa: BLE001 - Python's own status for a defect, 1, would say: a finding
        traceback.print_exc()
        status = EXIT_DEFECT
    sys.exit(status)
