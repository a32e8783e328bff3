"""The command that lists API keys."""

from datetime import datetime

from service.cli import output
from service.cli.installation import open_installation
from service.cli.options import AsJson
from service.cli.tables import print_table
from service.store.access import keys
from service.store.access.keys import ApiKey


def show(as_json: AsJson = False) -> None:
    """List API keys: who uses each, for what, when last, and until when; never the keys."""
    with open_installation() as installation, installation.database.transaction() as session:
        found, now = keys.keys(session), installation.now()
    if as_json:
        output.print_json({"api_keys": [each.to_json() for each in found]})
        return
    rows = [
        (each.prefix, each.name, ",".join(sorted(each.scopes)), each.client or "",
         _day(each.last_used_at) or "never", _until(each, now))
        for each in found
    ]  # fmt: skip
    columns = ("key", "name", "scopes", "client", "last used", "opens")
    print_table(f"{len(found)} API keys", columns, rows)


def _until(key: ApiKey, now: datetime) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is None:
        return "yes"
    return f"until {_day(key.expires_at)}" if key.is_open(now) else f"ended {_day(key.expires_at)}"


def _day(at: datetime | None) -> str:
    return "" if at is None else f"{at:%Y-%m-%d %H:%M}"
