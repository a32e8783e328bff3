"""Settings: what the environment says, and that saying nothing is no folder and no server."""

from pathlib import Path

import pytest

from service.settings import Settings


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REBILL_HOME", "REBILL_DATABASE_URL", "REBILL_WORKER_CONCURRENCY"):
        monkeypatch.delenv(name, raising=False)
    unset = Settings()
    for name in ("REBILL_HOME", "REBILL_DATABASE_URL", "REBILL_WORKER_CONCURRENCY"):
        monkeypatch.setenv(name, "")

    assert Settings() == unset
    assert unset.home.is_absolute()


def test_the_environment_says_where_data_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REBILL_HOME", "/srv/rebill")

    assert Settings().home == Path("/srv/rebill")
