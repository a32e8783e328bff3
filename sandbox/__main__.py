"""The pretend AWS by itself: `python -m sandbox serve`, and `… code SEED` for an MFA code."""

from __future__ import annotations

import argparse
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from sandbox.aws import StrictAWS, code_at
from sandbox.aws.reseller import configuration_file, open_organization, sign_everybody_in


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    code = commands.add_parser("code", help="what the device with this seed shows right now")
    code.add_argument("seed")
    serve = commands.add_parser("serve", help="an organization and its people, until stopped")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=5000)
    serve.add_argument("--config", type=Path, required=True, help="written for AWS_CONFIG_FILE")
    given = parser.parse_args()
    if given.command == "code":
        sys.stdout.write(code_at(given.seed, datetime.fromtimestamp(time.time(), tz=UTC)) + "\n")
    else:
        _serve(given.host, given.port, given.config)


def _serve(host: str, port: int, config: Path) -> None:
    config.unlink(missing_ok=True)
    aws = StrictAWS()
    with aws.installed(), aws.serve(host=host, port=port) as url:
        aws.endpoint_url = url
        open_organization(aws)
        config.touch(mode=0o600)
        config.write_text(configuration_file(sign_everybody_in(aws), own="msp-onboard"), "utf-8")
        sys.stdout.write(f"{url} with the profiles of {config}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
