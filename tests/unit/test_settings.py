"""Settings: what the environment says, and that saying nothing is no folder and no server."""

from pathlib import Path

import pytest

from kernel.errors import BadInput
from service.settings import Settings, read_settings, usable_settings
from service.store.address import prepare_database


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


def test_a_setting_that_cannot_be_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REBILL_WORKER_CONCURRENCY", "none")

    with pytest.raises(BadInput, match=r"^REBILL_WORKER_CONCURRENCY=none: [^\n]+$"):
        read_settings()


def test_a_home_that_cannot_be_made_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("REBILL_HOME", str(tmp_path / "file" / "home"))

    with pytest.raises(BadInput, match="cannot be used: Not a directory; set REBILL_HOME"):
        usable_settings()


def test_an_address_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="REBILL_DATABASE_URL is no address; write postgresql://"):
        prepare_database("nonsense", tmp_path)


@pytest.mark.parametrize(
    ("set_to", "words"),
    [
        ({"TO": "/srv/audit"}, "REBILL_CHECKPOINT_TO and REBILL_CHECKPOINT_KEY belong together"),
        ({"KEY": "/etc/key"}, "REBILL_CHECKPOINT_TO and REBILL_CHECKPOINT_KEY belong together"),
        (
            {"TO": "/srv/audit", "KEY": "/etc/key", "LOCK": "compliance:30"},
            "REBILL_CHECKPOINT_LOCK is for a bucket: .* REBILL_CHECKPOINT_TO is /srv/audit",
        ),
        (
            {"TO": "s3://a", "KEY": "/etc/key", "LOCK": "for ever"},
            "REBILL_CHECKPOINT_LOCK=for ever",
        ),
    ],
)
def test_half_of_what_checkpoints_need_is_refused_in_one_line(
    monkeypatch: pytest.MonkeyPatch, set_to: dict[str, str], words: str
) -> None:
    for name, value in set_to.items():
        monkeypatch.setenv(f"REBILL_CHECKPOINT_{name}", value)

    with pytest.raises(BadInput, match=f"^{words}[^\n]*$"):
        read_settings()
