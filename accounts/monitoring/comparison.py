"""Owns the daily look at what onboarding set: the next thing to read, or what is another now."""

from __future__ import annotations

from accounts.checks.settings import Setting
from accounts.engine.context import OnboardingContext
from accounts.iam.role_catalogue import MSP_AUTOMATION, ROLE_PATH, role_arn
from accounts.model.decision import Actor, Call, Refusal, Send, Session
from kernel.findings import Finding, warning


class WatchContext(OnboardingContext):
    """As an onboarding has it, but entered by the role that watches."""

    __slots__ = ()

    @property
    def member(self) -> Session:
        name = f"{ROLE_PATH.strip('/')}/{MSP_AUTOMATION.name}"
        return Session(
            actor=Actor.MEMBER,
            account_id=self.account_id,
            role_arn=role_arn(self.reseller, self.account_id, name),
            external_id=self.request.external_id,
        )


def next_look(setting: Setting, context: WatchContext) -> Call | Finding | None:
    """What is to be read first; or, where onboarding would write or ask, a finding; or nothing."""
    assert setting.words is not None, f"{setting.code} is compared piece by piece"
    decision = setting.goal(context)
    if decision is None:
        return None
    if isinstance(decision, Call) and decision.send is Send.READ:
        return decision
    return Finding(
        setting.severity, setting.code, where_of(setting, context), setting.words(context)
    )


def unseen(setting: Setting, context: WatchContext, call: Call, refusal: Refusal) -> Finding:
    words = f"{call.service}:{call.operation} could not be looked at: {refusal.words}"
    return warning("setting_unseen", f"{where_of(setting, context)} {setting.code}", words)


def where_of(setting: Setting, context: WatchContext) -> str:
    return context.reseller.payer_account_id if setting.is_of_payer else context.account_id
