"""Owns setting an organization up, in the foreground: looked at, changed, and looked at again.

Nothing is stored but the audit log: AWS is what there is to know, so that it starts anew each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from accounts.iam.role_catalogue import CATALOGUE
from accounts.model.decision import Answer, Call, Refusal
from accounts.model.role_spec import Document, TrustKind
from accounts.organization_setup.catalogue import ALREADY, ITEMS, TELLING, configuration_of
from accounts.organization_setup.items import (
    SETTLED_STATES,
    ByHand,
    Later,
    Outcome,
    SetupChange,
    SetupContext,
    SetupItem,
    SetupState,
    WantedSetup,
)
from accounts.organization_setup.organization import SEE_CALLER
from accounts.organization_setup.roles import service_policy
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.performing import perform, to_answer
from kernel.errors import Refused
from service.store.access import audit
from service.store.accounts import resellers

SET_UP = "set-up"
POLICIES = (
    "svc_setup", "svc_onboard", "svc_offboard", "svc_approver", "svc_analyzer", "svc_access",
    "access_assume_roles", "access_require_mfa", "access_probe",
)  # fmt: skip


class SetUpUnderWay(Refused):
    code = "set_up_under_way"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupReport:
    """How the organization stands, in the order in which it is set up."""

    outcomes: tuple[Outcome, ...]
    configuration: Mapping[str, str]
    """For `onboarding.organizations`; {} until all ids are known."""
    policies: Mapping[str, Document]
    """The service's, filled in, by file; without those that name what is not there yet."""

    @property
    def is_fine(self) -> bool:
        return all(outcome.state in SETTLED_STATES for outcome in self.outcomes)


Write = Callable[[SetupItem, SetupChange, SetupContext], Outcome | None]
"""None where AWS took it. Else what to say instead."""


def plan_set_up(environment: OnboardingEnvironment, wanted: WantedSetup) -> SetupReport:
    """What there is and what would be done; nothing is changed."""

    def say(item: SetupItem, change: SetupChange, _: SetupContext) -> Outcome:
        return _proposed(item, change, SetupState.ASKS if change.asks else SetupState.TO_DO)

    return _through(environment, wanted, say)


def set_up(
    environment: OnboardingEnvironment, wanted: WantedSetup, *, yes: frozenset[str], actor: str
) -> SetupReport:
    """`yes` holds the keys of items whose change of what is in force was agreed to.

    Raises SetUpUnderWay.
    """
    with environment.database.try_lock(SET_UP) as is_ours:
        if not is_ours:
            raise SetUpUnderWay("somebody is setting up an organization right now")
        return _through(environment, wanted, partial(_write, environment, yes, actor))


def _through(environment: OnboardingEnvironment, wanted: WantedSetup, write: Write) -> SetupReport:
    context = SetupContext(wanted=wanted)
    caller = _ask(environment, SEE_CALLER)
    if not isinstance(caller, Refusal):
        known = _as_known(environment, wanted, str(caller["Account"]))
        context = SetupContext(wanted=known).with_answer(SEE_CALLER, caller)
    outcomes: list[Outcome] = []
    for item in ITEMS:
        context, outcome = _settled(environment, item, context, write)
        outcomes.append(outcome)
        if item.is_first and outcome.state not in SETTLED_STATES:
            return SetupReport(outcomes=tuple(outcomes), configuration={}, policies={})
    found = {file: service_policy(context, file) for file in POLICIES}
    return SetupReport(
        outcomes=tuple(outcomes),
        configuration=configuration_of(context),
        policies={file: each for file, each in found.items() if each is not None},
    )


def _as_known(
    environment: OnboardingEnvironment, wanted: WantedSetup, payer_account_id: str
) -> WantedSetup:
    """With what the configuration says of this organization, and of the teams."""
    with environment.database.transaction() as session:
        known = {each.payer_account_id: each for each in resellers.resellers(session)}
        described = frozenset(team.key for team in resellers.teams(session))
        specs = (*CATALOGUE, *resellers.own_roles(session))
    of_users = {each.team for each in specs if each.trust is TrustKind.HUMAN_MFA}
    of_sets = {each.team for each in specs if each.trust is TrustKind.IDENTITY_CENTER}
    shipped = frozenset(each.team for each in CATALOGUE if each.team)
    return replace(
        wanted,
        reseller=known.get(payer_account_id),
        teams=described | of_users | shipped,
        staffed_teams=(described or shipped) - (of_sets - of_users),
    )


def _settled(
    environment: OnboardingEnvironment, item: SetupItem, context: SetupContext, write: Write
) -> tuple[SetupContext, Outcome]:
    """Look, write, look again, until it is so or cannot be made so now."""
    written: dict[str, str] = {}
    while True:
        match item.goal(context):
            case None:
                state = SetupState.MADE if written else SetupState.IS_SO
                words = "; ".join(dict.fromkeys(written.values()))
                return context, Outcome(key=item.key, title=item.title, state=state, words=words)
            case ByHand() as left:
                outcome = _outcome(item, SetupState.BY_HAND, left.words, left.diff)
                return context, replace(outcome, missing=left.missing)
            case Later(words=words):
                return context, _outcome(item, SetupState.LATER, words)
            case Call() as look:
                answer = _ask(environment, look)
                if isinstance(answer, Refusal) and answer.code not in TELLING | item.telling:
                    return context, _refused(item, answer)
                context = context.with_answer(look, answer)
            case SetupChange() as change:
                if change.call.key in written:
                    words = "AWS took it, and does not show it yet: run this again in a minute"
                    return context, _outcome(item, SetupState.UNKNOWN, words)
                if (instead := write(item, change, context)) is not None:
                    return context, instead
                written[change.call.key] = change.words
                context = context.after_writing(change.call)


def _write(
    environment: OnboardingEnvironment,
    yes: frozenset[str],
    actor: str,
    item: SetupItem,
    change: SetupChange,
    context: SetupContext,
) -> Outcome | None:
    if change.asks and item.key not in yes:
        return _proposed(item, change, SetupState.ASKS)
    answer = _ask(environment, change.call)
    if isinstance(answer, Refusal) and answer.code not in ALREADY:
        return _refused(item, answer)
    with environment.database.transaction() as session:
        audit.record(
            session,
            actor=actor,
            action="set_up",
            subject=f"organization {context.organization_id}",
            after={"item": item.key, "call": change.call.operation, "words": change.words},
            now=environment.now(),
        )
    return None


def _ask(environment: OnboardingEnvironment, call: Call) -> Answer:
    return to_answer(perform(environment.caller, call, onboarding_id=SET_UP, person=""))


def _outcome(item: SetupItem, state: SetupState, words: str, diff: str = "") -> Outcome:
    return Outcome(key=item.key, title=item.title, state=state, words=words, diff=diff)


def _proposed(item: SetupItem, change: SetupChange, state: SetupState) -> Outcome:
    words = f"{change.words}; agree with --yes {item.key}" if change.asks else change.words
    return replace(_outcome(item, state, words, change.diff), missing=change.missing)


def _refused(item: SetupItem, answer: Refusal) -> Outcome:
    if answer.code == "ResponseLost":
        words = f"AWS's answer was lost: run this again, it looks first ({answer.message})"
        return _outcome(item, SetupState.UNKNOWN, words)
    return _outcome(item, SetupState.REFUSED, answer.words)
