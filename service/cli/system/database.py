"""The command of the database: bring its tables up to date."""

from service.cli import output
from service.settings import usable_settings
from service.store.address import prepare_database


def upgrade() -> None:
    """Bring the database's tables to this version (every other command does so, too)."""
    settings = usable_settings()
    prepare_database(settings.database_url, settings.home).release()
    output.say("the database is up to date")
