"""Owns the files of links that teams take into their password managers and profiles."""

from __future__ import annotations

from dataclasses import replace

from accounts.links.link_files import ExportFile, LinkSettings, export
from kernel.errors import BadInput
from service.actions.access.set_grants import link_grants
from service.store.accounts import onboardings, resellers
from service.store.session import Session


def export_links(
    session: Session, link_format: str, *, team: str = "", user: str = ""
) -> tuple[ExportFile, ...]:
    """One file per team, of all organizations. `user`: the IAM user's name. Raises BadInput."""
    grants = link_grants(session)
    teams = sorted({grant.team for grant in grants})
    export([], link_format, LinkSettings())
    if team and team not in teams:
        raise BadInput(f"the team {team!r} has no grants; there are {', '.join(teams) or 'none'}")
    payer_of = {grant.account_id: "" for grant in grants}
    for account_id in payer_of:
        onboarding = onboardings.onboarding_of(session, account_id)
        assert onboarding is not None, account_id
        payer_of[account_id] = onboarding.payer_account_id
    files: list[ExportFile] = []
    for reseller in resellers.resellers(session):
        settings = LinkSettings(
            partition=reseller.partition,
            region=reseller.region,
            access_account_id=reseller.access_account_id,
        )
        theirs = [
            grant
            for grant in grants
            if payer_of[grant.account_id] == reseller.payer_account_id and team in ("", grant.team)
        ]
        files += export(theirs, link_format, replace(settings, user=user) if user else settings)
    return tuple(files)
