"""Owns the daily look at what onboarding set in each live account: read and compared only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from accounts.aws.responses import is_informative, observe
from accounts.checks.settings import SETTINGS, Setting
from accounts.model.decision import Call, Refusal
from accounts.model.observed import Observed
from accounts.model.organization import OnboardingKind, Reseller
from accounts.monitoring.comparison import WatchContext, next_look, unseen, where_of
from jobs.aws.calls import Caller
from jobs.onboarding.performing import perform, to_answer
from kernel.findings import Finding
from service.store.accounts.onboardings import Onboarding

LOOKS_MAX = 20


@dataclass(frozen=True, slots=True)
class SettingsLook:
    findings: tuple[Finding, ...]
    unseen: frozenset[tuple[str, str]]
    """Code and place of what could not be looked at: what was found there before still stands."""


def look_at_settings(
    caller: Caller, reseller: Reseller, live: Iterable[tuple[Onboarding, Observed]], now: datetime
) -> SettingsLook:
    """`live`: what is watched, each with what was seen of its roles already."""
    findings: list[Finding] = []
    not_seen: set[tuple[str, str]] = set()
    done: set[str] = set()
    for onboarding, observed in live:
        if onboarding.request.kind is OnboardingKind.BILLING_TRANSFER:
            continue
        context = WatchContext(reseller, onboarding.request, observed, onboarding.record, now)
        for setting in SETTINGS:
            if setting.words is None or setting.code in done:
                continue
            context, found = _look(caller, setting, context)
            findings += [found] if found else []
            if found and found.code != setting.code:
                not_seen.add((setting.code, where_of(setting, context)))
            if setting.is_of_payer:
                done.add(setting.code)
    return SettingsLook(tuple(findings), frozenset(not_seen))


def _look(
    caller: Caller, setting: Setting, context: WatchContext
) -> tuple[WatchContext, Finding | None]:
    for _ in range(LOOKS_MAX):
        step = next_look(setting, context)
        if not isinstance(step, Call):
            return context, step
        answer = to_answer(perform(caller, step, onboarding_id="watch", person=""))
        if isinstance(answer, Refusal) and not is_informative(step, answer):
            return context, unseen(setting, context, step, answer)
        context = replace(context, observed=observe(context.observed, step, answer))
    raise AssertionError(f"{setting.code} comes to no end")
