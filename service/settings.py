"""Owns the settings: read from the environment in the composition roots only, and passed down."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from kernel.errors import BadInput

LOCK = "^(governance|compliance):[1-9][0-9]{0,4}$"


def read_settings() -> Settings:
    """Raises BadInput with the variable and what is wrong with it."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:  # What several of them say together.
            raise BadInput(first["msg"].removeprefix("Value error, ")) from error
        variable = f"REBILL_{'_'.join(map(str, first['loc'])).upper()}"
        raise BadInput(f"{variable}={first['input']}: {first['msg']}") from error


def usable_settings() -> Settings:
    """With a home that is there. Raises BadInput."""
    settings = read_settings()
    try:
        settings.home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"{settings.home} cannot be used: {error.strerror}; "
            "set REBILL_HOME to a folder of yours"
        ) from error
    return settings


def _default_home() -> Path:
    """Root's own data is the machine's: the database server's user must be able to reach it."""
    if os.geteuid() == 0:
        return Path("/var/lib/rebill")
    return platformdirs.user_data_path("rebill", appauthor=False)


class Settings(BaseSettings):
    """`REBILL_HOME=/srv/rebill` sets `home`, and so on."""

    model_config = SettingsConfigDict(
        env_prefix="REBILL_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = Field(default_factory=_default_home)
    """Where the embedded database, the snapshots and the caches are."""
    database_url: str | None = None
    """`postgresql://user:password@host/database`; the embedded server if unset."""
    backup_to: str | None = None
    """Where workers back up to once a day: a folder or `s3://bucket/prefix`."""
    backup_keep: int = Field(default=14, ge=1)
    """How many of those backups stay."""
    checkpoint_to: str | None = None
    """Where each issue says how far the chains go: a folder or `s3://bucket/prefix`."""
    checkpoint_key: Path | None = None
    """The private key that signs it; its public half is beside it, with `.pub`."""
    checkpoint_lock: str | None = Field(default=None, pattern=LOCK)
    """`compliance:3650`: the object lock that is asked of S3, and for how many days."""
    worker_concurrency: int = Field(default=2, ge=1, le=64)
    """How many runs `rebill worker` moves at a time."""

    @model_validator(mode="after")
    def _checkpoints_are_whole(self) -> Settings:
        """A place without a key would leave out what was meant to be written, and say nothing."""
        if (self.checkpoint_to is None) != (self.checkpoint_key is None):
            raise ValueError(
                "REBILL_CHECKPOINT_TO and REBILL_CHECKPOINT_KEY belong together: set both or none"
            )
        if self.checkpoint_lock and not (self.checkpoint_to or "").startswith("s3://"):
            raise ValueError(
                "REBILL_CHECKPOINT_LOCK is for a bucket: a folder locks nothing, and "
                f"REBILL_CHECKPOINT_TO is {self.checkpoint_to or 'unset'}"
            )
        return self
