"""Owns the files of links that teams take into their password managers and profiles."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

from accounts.links.link_files import ExportFile, LinkSettings, export
from accounts.links.streams import one_stream
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
    every = resellers.resellers(session)
    for reseller in every:
        # Where there are several organizations, each has users of its own to begin with.
        base = "msp-base" if len(every) == 1 else f"msp-base-{reseller.payer_account_id}"
        settings = LinkSettings(
            partition=reseller.partition,
            region=reseller.region,
            access_account_id=reseller.access_account_id,
            base_profile=base,
            sso_start_url=reseller.sso_start_url,
            sso_region=reseller.sso_region,
        )
        theirs = [
            grant
            for grant in grants
            if payer_of[grant.account_id] == reseller.payer_account_id and team in ("", grant.team)
        ]
        files += export(theirs, link_format, replace(settings, user=user) if user else settings)
    return _one_a_team(link_format, files)


def _one_a_team(link_format: str, files: list[ExportFile]) -> tuple[ExportFile, ...]:
    """A team that holds roles of several organizations still has one file."""
    by_name: dict[str, list[ExportFile]] = defaultdict(list)
    for file in files:
        by_name[file.name].append(file)
    return tuple(
        replace(some[0], text=one_stream(link_format, [each.text for each in some]))
        for some in by_name.values()
    )
