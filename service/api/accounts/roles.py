"""The role catalogue: what is shipped, and the reseller's own roles with uploaded policies."""

from fastapi import APIRouter
from pydantic import Field

from accounts.iam.role_catalogue import CATALOGUE
from accounts.model.role_spec import RoleSpec
from service.actions.onboarding.put_role import put_role
from service.api.access import NowDep, OnboarderDep, SessionDep, StaffDep, actor_of
from service.api.accounts.grant_schemas import RoleText
from service.api.accounts.onboarding_schemas import FindingItem, to_api_finding
from service.api.billing.schemas import Out
from service.api.text import PlainText
from service.configuration.onboarding_forms import OnboardingForm, RoleForm, roles_of
from service.store.accounts import resellers

router = APIRouter(tags=["accounts"])


class RoleRequest(PlainText, RoleForm):
    """As in the configuration file."""


class RoleItem(Out):
    name: RoleText
    purpose: str = Field(max_length=1000)
    stage: str = Field(max_length=20, examples=["day0"])
    trust: str = Field(max_length=40, examples=["human_mfa"])
    team: str = Field(max_length=100, description="Who holds it where nobody decided otherwise.")
    is_shipped: bool


class RoleList(Out):
    items: list[RoleItem] = Field(max_length=500)


class RoleAnswer(RoleItem):
    warnings: list[FindingItem] = Field(max_length=500)


@router.get("/roles", operation_id="list_roles")
def list_roles(session: SessionDep, _key: StaffDep) -> RoleList:
    """What an onboarding may ask for under `roles`."""
    return RoleList(
        items=[_item(spec) for spec in (*CATALOGUE, *resellers.own_roles(session))],
    )


@router.post("/roles", operation_id="put_role")
def put(session: SessionDep, key: OnboarderDep, now: NowDep, asked: RoleRequest) -> RoleAnswer:
    """A role of our own, its policy judged before anything is stored. Twice is once.

    Accounts that have it already keep it as it was asked for.
    """
    (spec,) = roles_of(OnboardingForm(roles=[asked]))
    warnings = put_role(session, spec, actor=actor_of(key), now=now)
    found = [to_api_finding(each) for each in warnings]
    return RoleAnswer(**_item(spec).model_dump(), warnings=found)


def _item(spec: RoleSpec) -> RoleItem:
    return RoleItem(
        name=spec.name,
        purpose=spec.purpose,
        stage=spec.stage.value,
        trust=spec.trust.value.removeprefix("trust_"),
        team=spec.team,
        is_shipped=spec in CATALOGUE,
    )
