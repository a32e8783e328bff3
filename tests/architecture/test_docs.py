"""The documentation keeps up: every command, setting, endpoint and error of ours is in it."""

from __future__ import annotations

import re

import pytest

from service.api import keys
from service.api.accounts import accounts, grants, handovers, onboardings, roles
from service.api.billing import differences, invoices, periods
from service.cli.catalogue import CATALOGUE
from service.configuration.reading import read_configuration
from service.settings import Settings
from tests.architecture.test_tidy import tracked
from tests.support.places import ROOT

MANUAL = (ROOT / "docs/manual.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("command", list(CATALOGUE))
def test_every_command_is_in_the_manual(command: str) -> None:
    assert f"`rebill {command}" in MANUAL


@pytest.mark.parametrize("setting", list(Settings.model_fields))
def test_every_setting_is_in_the_manual(setting: str) -> None:
    assert f"`REBILL_{setting.upper()}`" in MANUAL


@pytest.mark.parametrize("resource", [differences, invoices, periods])
def test_every_endpoint_is_in_the_manual(resource: object) -> None:
    router = getattr(resource, "router")  # noqa: B009 - modules have no type for it
    assert router.routes, "a resource without an endpoint"
    for route in router.routes:
        path = route.path.replace("{invoice_id}", "{id}").replace(".{extension}", ".pdf")
        assert f"`GET /v1{path}" in MANUAL


def test_every_endpoint_of_keys_is_in_the_manual() -> None:
    assert keys.router.routes, "a resource without an endpoint"
    for route in keys.router.routes:
        for method in route.methods:  # type: ignore[attr-defined]
            assert f"`{method} /v1{route.path}`" in MANUAL  # type: ignore[attr-defined]


@pytest.mark.parametrize("resource", [accounts, grants, handovers, onboardings, roles])
def test_every_endpoint_of_member_accounts_is_on_their_page(resource: object) -> None:
    page = (ROOT / "docs/onboarding.md").read_text(encoding="utf-8")
    router = getattr(resource, "router")  # noqa: B009 - modules have no type for it
    assert router.routes, "a resource without an endpoint"
    for route in router.routes:
        path = route.path.replace("{onboarding_id}", "{id}")
        for method in route.methods:
            assert f"`{method} /v1{path}" in page


def test_the_manuals_configuration_file_is_one() -> None:
    text = MANUAL.split("```yaml\n")[1].split("```")[0]

    assert [client.key for client in read_configuration(text).clients] == ["acme"]


def test_the_readmes_commands_are_targets_of_the_makefile() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}: install ##" in makefile


SEED = (ROOT / "docs/steps-of-2014.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", range(1, 16))
def test_every_step_of_the_practice_names_tests_that_there_are(row: int) -> None:
    (line,) = re.findall(rf"^\| {row} \|.*$", SEED, re.MULTILINE)
    named = re.findall(r"`(tests/[^:`]+)::(test_\w+)`", line)
    assert named
    for file, test in named:
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8"), (file, test)


def test_every_test_that_a_comment_names_is_there() -> None:
    """`tests/….py::test_name`, or where that is too long `tests/….py`, `test_name`."""
    named = re.compile(r"`(tests/[\w/]+\.py)(?:::|`,\s*(?:#\s*)?`)(test_\w+)`")
    found = [
        (path, file, test)
        for path in tracked(".py", ".md")
        if not path.startswith("tests/")
        for file, test in named.findall((ROOT / path).read_text(encoding="utf-8"))
    ]

    assert len(found) > 100
    assert [each for each in found if not _is_there(each[1], each[2])] == []


def _is_there(file: str, test: str) -> bool:
    path = ROOT / file
    return path.is_file() and f"def {test}(" in path.read_text(encoding="utf-8")


PROMISES = re.findall(
    r"^\| (?!promise|-)(.+) \| (.+) \| `(.+)` \| `(tests/.+)::(test_\w+)` \|$",
    (ROOT / "docs/aws_promises.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_promise_of_aws_has_a_document_a_place_and_a_test() -> None:
    text = (ROOT / "docs/aws_promises.md").read_text(encoding="utf-8")
    assert len(PROMISES) == sum(line.startswith("| ") for line in text.splitlines()) - 1 > 10

    for promise, document, place, file, test in PROMISES:
        assert "](https://" in document, promise
        assert (ROOT / place).is_file(), promise
        assert _is_there(file, test), promise
