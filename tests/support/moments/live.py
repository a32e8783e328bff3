"""Owns a live account for tests of what comes after: onboarded once, then given as it was.

Only where nothing has happened since `opened`: a test that has changed anything, in AWS or in the
store, has the account onboarded before its eyes. What is kept are bytes, and a database to which
nobody connects, so that no test sees what another one does.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.actions.onboarding.request_onboarding import Wanted
from service.store.accounts.onboardings import Onboarding
from tests.support.moments import databases, world
from tests.support.onboarding import Installation, onboard


@dataclass(frozen=True)
class Moment:
    """An account has just gone live."""

    onboarding_id: str
    aws: world.World
    database: str
    visits: int


_moments: dict[tuple[Any, ...], Moment] = {}
_numbers = itertools.count(1)


def onboarded(
    installation: Installation,
    wanted: Wanted,
    by: Callable[[Installation, Wanted], Onboarding] = onboard,
) -> Onboarding:
    """As `by` has it live, but not done again where this process did it from just here before."""
    if not installation.is_as_opened():
        return _seen_live(installation, by(installation, wanted))
    key = (by, installation.opened_as, repr(wanted), repr(installation.reseller))
    moment = _moments.get(key)
    if moment is None:
        live = by(installation, wanted)
        if live.state != "live":
            return live
        _moments[key] = moment = _moment_of(installation, live)
    _go_on_from(moment, installation)
    return _seen_live(installation, installation.stored(moment.onboarding_id))


def _seen_live(installation: Installation, live: Onboarding) -> Onboarding:
    if live.state == "live":
        installation.once_live()
    return live


def _moment_of(installation: Installation, live: Onboarding) -> Moment:
    assert installation.crashes == 0 and not installation.aws.world.stubs
    name = f"moment_{os.getpid()}_{next(_numbers)}"
    databases.keep_copy(installation.database, name)
    taken = world.taken(installation.aws, installation.environment.caller)
    return Moment(live.id, taken, name, installation.visits)


def _go_on_from(moment: Moment, installation: Installation) -> None:
    """Also whoever made it: all that go on from it are in the same case."""
    world.gone_back_to(moment.aws, installation.aws, installation.environment.caller)
    databases.replace_by(installation.database, moment.database)
    installation.visits = moment.visits
