"""Who did something: the system's user, or what somebody says of themselves."""

from __future__ import annotations

import os
import pwd

import pytest

from accounts.model.handover import is_same_person
from kernel.errors import BadInput
from service.cli.options import _user

SYSTEM = pwd.getpwuid(os.getuid()).pw_name


def test_the_environment_does_not_say_who_somebody_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """`getpass.getuser` believes these first."""
    for variable in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(variable, "grace")

    assert _user("") == SYSTEM
    assert _user(SYSTEM) == SYSTEM
    assert _user("grace") == "grace (self-asserted)"


@pytest.mark.parametrize(
    "name", ["ada (self-asserted)", "a\x00b", "a\nb", "x" * 61, " ada", "API key 00 (x)"]
)
def test_a_name_that_pretends_to_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(BadInput) as refused:
        _user(name)
    assert "\n" not in str(refused.value)


def test_who_says_to_be_somebody_is_no_second_person() -> None:
    assert is_same_person("ada", "ada (self-asserted)")
    assert is_same_person("Ada (self-asserted)", "ada")
    assert not is_same_person("ada", "grace (self-asserted)")
