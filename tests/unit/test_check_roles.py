"""A role that may not be written is refused for the worst that is wrong with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from accounts.iam.policy_checks import PolicyKind
from accounts.iam.role_catalogue import MSP_ON_CALL
from accounts.model.role_spec import RoleSpec
from kernel.errors import BadInput
from kernel.findings import Finding, critical, warning
from service.actions.onboarding import check_roles
from tests.support.accounts_reseller import CREATE, EXTERNAL_ID, RESELLER

WRONG: dict[PolicyKind, tuple[Finding, ...]] = {
    PolicyKind.TRUST: (warning("a_warning", "trust", "may be too wide"),),
    PolicyKind.INLINE: (critical("open", "policy", "lets everybody in"),),
    PolicyKind.BOUNDARY: (critical("administrator", "boundary", "forbids nothing"),),
}
OWN = replace(MSP_ON_CALL, name="MspOwn")


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[PolicyKind, tuple[Finding, ...]]:
    """What each of a role's three documents is found guilty of."""
    planted = dict(WRONG)
    monkeypatch.setattr(check_roles, "_judged", lambda kind, where, text: planted[kind])
    return planted


@pytest.mark.parametrize("spec", [MSP_ON_CALL, OWN], ids=lambda spec: spec.name)
def test_the_worst_is_raised_whichever_document_it_is_in(
    found: dict[PolicyKind, tuple[Finding, ...]], spec: RoleSpec
) -> None:
    def ask() -> None:
        if spec is OWN:
            check_roles.check_catalogue_role(spec, [RESELLER], own=[])
        else:
            check_roles.check_roles(RESELLER, replace(CREATE, roles=(spec,)))

    with pytest.raises(BadInput, match=r"^boundary: forbids nothing$"):
        ask()
    found[PolicyKind.BOUNDARY] = ()
    with pytest.raises(BadInput, match=r"^policy: lets everybody in$"):
        ask()
    found[PolicyKind.INLINE] = ()
    ask()


def test_all_findings_are_told_the_worst_first(
    found: dict[PolicyKind, tuple[Finding, ...]],
) -> None:
    told = check_roles.findings_of(OWN, RESELLER, EXTERNAL_ID)

    assert [each.code for each in told] == ["administrator", "open", "a_warning"]
    assert len(told) == len(found)
