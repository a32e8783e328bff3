"""Owns finding out whether our roles let in whom they should: every one tried, nothing changed."""

from __future__ import annotations

from accounts.aws.error_policy import is_denied
from accounts.checks.access_proof import access_probes, refusal_probes
from accounts.engine.context import OnboardingContext
from accounts.model.decision import Call, Refusal
from accounts.model.observed import Observed
from jobs.aws.calls import CODE_REFUSED, Caller
from jobs.onboarding.environment import OnboardingEnvironment
from jobs.onboarding.performing import WORDS_CHARS_MAX, perform, to_answer
from service.store.accounts import access_checks, onboardings, resellers
from service.store.accounts.access_checks import AccessCheck, RoleCheck


class CodeRefused(Exception):
    """AWS did not take a person's MFA code: nothing is known of the role until the next one."""


def run_access_check(
    environment: OnboardingEnvironment, check_id: int, *, codes_left: int = 0
) -> AccessCheck:
    """The finished check, also stored. Twice is once. Raises CodeRefused while codes are left."""
    with environment.database.transaction() as session:
        asked = access_checks.access_check(session, check_id)
        onboarding = onboardings.onboarding(session, asked.onboarding_id)
        reseller = resellers.reseller(session, onboarding.payer_account_id)
    if asked.finished_at is not None:
        return asked
    context = OnboardingContext(
        reseller, onboarding.request, Observed(), onboarding.record, environment.now()
    )
    probes = (*access_probes(context), *refusal_probes(context))
    results = [_tried(environment.caller, call, onboarding.id) for call in probes]
    # Of the role a refused code says nothing:
    # `tests/jobs/onboarding/test_mfa_codes.py::test_a_check_is_made_again_with_the_next_code`.
    if codes_left and any(result.aws_words.startswith(CODE_REFUSED) for result in results):
        raise CodeRefused
    with environment.database.transaction() as session:
        access_checks.end_check(session, check_id, results, environment.now())
        return access_checks.access_check(session, check_id)


def _tried(caller: Caller, call: Call, onboarding_id: str) -> RoleCheck:
    """An answer that was lost, or credentials that are not there, prove nothing either way."""
    answer = to_answer(perform(caller, call, onboarding_id=onboarding_id, person=""))
    refused = isinstance(answer, Refusal)
    words = answer.words if isinstance(answer, Refusal) else "AssumeRole succeeded"
    denied = isinstance(answer, Refusal) and is_denied(answer)
    return RoleCheck(
        role_arn=str(call.arguments["RoleArn"]),
        expected="refused" if call.expects_refusal else "allowed",
        is_as_expected=denied if call.expects_refusal else not refused,
        aws_words=words[:WORDS_CHARS_MAX],
    )
