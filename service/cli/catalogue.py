"""Owns the list of commands: where each is, and its help, so that the help imports none of them.

`help` is the function's docstring word for word; a test compares them.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Command:
    place: str
    """`module:function`."""
    help: str


@dataclass(frozen=True, slots=True)
class CommandGroup:
    help: str
    commands: Mapping[str, Command]


ONBOARD: Mapping[str, Command] = {
    "create": Command(
        "service.cli.accounts.onboard:create",
        "Create an account for a client, with our roles in it, proved.",
    ),
    "invite": Command(
        "service.cli.accounts.onboard:invite",
        "Invite an account that exists; its client accepts, and deploys our first role.",
    ),
    "adopt": Command(
        "service.cli.accounts.onboard:adopt",
        "Take on an account that is a member already, with its client's consent.",
    ),
    "billing-transfer": Command(
        "service.cli.accounts.onboard:billing_transfer",
        "Take over the bill of a client's own organization; it stays the client's.",
    ),
    "status": Command(
        "service.cli.accounts.onboard_status:status",
        "Where onboardings stand, and what they wait for; with an ID, every attempt as well.",
    ),
    "follow": Command(
        "service.cli.accounts.onboard:follow",
        "Look at AWS now, and move it on until it waits for somebody again.",
    ),
    "retry": Command(
        "service.cli.accounts.onboard:retry",
        "Go on after somebody mended what it waits for; ask anew; put a live account right.",
    ),
    "cancel": Command(
        "service.cli.accounts.onboard:cancel",
        "Give it up, which is possible until its account is linked.",
    ),
    "artifact": Command(
        "service.cli.accounts.onboard_status:artifact",
        "Print what a client deploys to let us in, with its ExternalId, for its own review.",
    ),
    "batch": Command(
        "service.cli.accounts.onboard_batch:batch",
        "Ask for every account of a file: all of them, or none and what is wrong with which.",
    ),
    "setup": Command(
        "service.cli.accounts.setup:setup",
        "Set the payer's organization up for onboarding; run again, it goes on where it was.",
    ),
    "findings": Command(
        "service.cli.accounts.findings:findings",
        "What is wrong with accounts, roles, root or the mailbox, and what to do; status 1 if so.",
    ),
    "canary": Command(
        "service.cli.accounts.findings:canary",
        "Send a mail to every root address of ours now, and see whether it arrives in the mailbox.",
    ),
}

HANDOVER: Mapping[str, Command] = {
    "dry-run": Command(
        "service.cli.accounts.handover:rehearse",
        "Show the checklist it would go through; nothing is recorded, and AWS is not called.",
    ),
    "start": Command(
        "service.cli.accounts.handover:start",
        "Begin: what is harmless is done at once, what is dangerous waits for a second person.",
    ),
    "approve": Command(
        "service.cli.accounts.handover:approve",
        "Approve dangerous items, as another person than the one who asked.",
    ),
    "attest": Command(
        "service.cli.accounts.handover:attest",
        "Vouch for what AWS cannot be asked; it is kept with your name.",
    ),
    "code": Command(
        "service.cli.accounts.handover:code",
        "Pass on the one-time code that the client reads out: asked for, or read from a pipe.",
    ),
    "follow": Command(
        "service.cli.accounts.handover:follow",
        "Look at AWS now, and go on until it waits for somebody again.",
    ),
    "abort": Command(
        "service.cli.accounts.handover:abort",
        "Call it off: what was taken away is put back, until the account has left.",
    ),
    "status": Command(
        "service.cli.accounts.handover:status",
        "The checklist, who approved or attested what, and what it waits for.",
    ),
}

GRANTS: Mapping[str, Command] = {
    "show": Command(
        "service.cli.access.grants:show", "Which team holds which role in which account now."
    ),
    "grant": Command(
        "service.cli.access.grants:grant",
        "Let a team use a role: its trust names the team from then on, and that is proved.",
    ),
    "approve": Command(
        "service.cli.access.grants:approve",
        "Approve a grant of an administrator's role, as another person than the one who asked.",
    ),
    "revoke": Command(
        "service.cli.access.grants:revoke",
        "Take a role from a team: AWS refuses it from then on, proved; and what to delete where.",
    ),
}

ROOT: Mapping[str, Command] = {
    "ask": Command(
        "service.cli.access.root_tasks:ask",
        "Ask that root of a member is entered for one task; nothing happens before it is approved.",
    ),
    "approve": Command(
        "service.cli.access.root_tasks:approve",
        "Approve a task, as another person than the one who asked; what it would change is shown.",
    ),
    "perform": Command(
        "service.cli.access.root_tasks:perform",
        "Change what was shown, within the hour of its approval; the policy before is kept.",
    ),
    "end": Command(
        "service.cli.access.root_tasks:end",
        "End a recovery: root has no credentials and is guarded, as before; that is proved.",
    ),
    "withdraw": Command(
        "service.cli.access.root_tasks:withdraw",
        "Take back what was asked for, until something was changed.",
    ),
    "show": Command(
        "service.cli.access.root_tasks:show",
        "Which tasks of root there are, who asked and approved, and what came of them.",
    ),
}

KEY: Mapping[str, Command] = {
    "create": Command(
        "service.cli.access.keys:create",
        "Make an API key and print it, this once; `--client` binds it to one client's documents.",
    ),
    "list": Command(
        "service.cli.access.key_list:show",
        "List API keys: who uses each, for what, when last, and until when; never the keys.",
    ),
    "rotate": Command(
        "service.cli.access.keys:rotate",
        "Replace an API key by one that may the same, and print it, this once.",
    ),
    "revoke": Command(
        "service.cli.access.keys:revoke",
        "Take an API key back: it opens nothing from the next request on.",
    ),
}

DELIVERIES: Mapping[str, Command] = {
    "show": Command(
        "service.cli.billing.deliveries:show",
        "What the schedule saw last at each payer's exports, and what became of it.",
    ),
    "look": Command(
        "service.cli.billing.deliveries:look_now",
        "Look at once, take in what came, and bill its months, as the schedule does by itself.",
    ),
    "stop": Command(
        "service.cli.billing.deliveries:stop",
        "Leave the exports of a payer, or of all, alone until told to start.",
    ),
    "start": Command(
        "service.cli.billing.deliveries:start",
        "Look at the exports of a payer, or of all, again.",
    ),
}

CHECKPOINT: Mapping[str, Command] = {
    "key": Command(
        "service.cli.system.verification:make_key",
        "Make the key that signs checkpoints; its public half goes beside it, to `FILE.pub`.",
    ),
    "write": Command(
        "service.cli.system.verification:checkpoint",
        "Sign where every series ends now, and keep it outside the database.",
    ),
}

DB: Mapping[str, Command] = {
    "upgrade": Command(
        "service.cli.system.database:upgrade",
        "Bring the database's tables to this version (every other command does so, too).",
    ),
}

CATALOGUE: Mapping[str, Command | CommandGroup] = {
    "demo": Command(
        "service.cli.demo.demo:demo",
        "Onboard a pretend payer's accounts and bill two months, into a folder of documents.",
    ),
    "plan": Command(
        "service.cli.billing.plan:plan",
        "Say whose money a configuration file would change, in which month, and change nothing.",
    ),
    "apply": Command(
        "service.cli.system.configuration:apply",
        "Make the store say what a configuration file says; applied twice it changes nothing.",
    ),
    "ingest": Command(
        "service.cli.billing.month:ingest", "Take in an AWS export: its charges become the month's."
    ),
    "bill": Command(
        "service.cli.billing.month:bill",
        "Allocate and price the month's charges, and draft an invoice for each client.",
    ),
    "diff": Command(
        "service.cli.billing.diff:diff",
        "What two billings of a month differ in, by client and line, with the cause of each.",
    ),
    "reconcile": Command(
        "service.cli.billing.month:reconcile",
        "The proof that the payer's bill is accounted for; exit status 1 where it is not.",
    ),
    "estimate": Command(
        "service.cli.billing.estimate:estimate",
        "Month to date per client, before any export exists; AWS is asked once in six hours.",
    ),
    "approve": Command(
        "service.cli.billing.approvals:approve",
        "Say that the month's drafts may be issued as they are.",
    ),
    "withdraw": Command(
        "service.cli.billing.approvals:withdraw",
        "Take approvals back, so that the month can be billed anew.",
    ),
    "credit": Command(
        "service.cli.billing.credits:credit",
        "Propose a credit note about an issued invoice, whole or of some lines, for approval.",
    ),
    "issue": Command(
        "service.cli.billing.documents:issue",
        "Number the approved invoices, freeze them, and render their documents.",
    ),
    "explain": Command(
        "service.cli.billing.explain:explain",
        "From a line of an invoice to its rule, its arithmetic and the charges behind it.",
    ),
    "export": Command(
        "service.cli.billing.documents:export",
        "Write the month's issued documents to files, as they were rendered at issue.",
    ),
    "evidence": Command(
        "service.cli.billing.evidence:evidence",
        "Write what a month or an invoice is proven by, as a ZIP that a stranger can verify.",
    ),
    "verify": Command(
        "service.cli.system.verification:verify",
        "Prove that what was issued is what it was; the first bad row is named, and status 1.",
    ),
    "deliveries": CommandGroup("AWS's deliveries, which a worker takes in by itself.", DELIVERIES),
    "checkpoint": CommandGroup("What is remembered outside the database.", CHECKPOINT),
    "onboard": CommandGroup("Member accounts: create, invite, follow.", ONBOARD),
    "handover": CommandGroup("Hand an account over, or close it.", HANDOVER),
    "grants": CommandGroup("Roles: who holds which, grant, approve, revoke.", GRANTS),
    "root": CommandGroup("Root of a member: ask, approve, perform, end.", ROOT),
    "links": Command(
        "service.cli.access.links:links",
        "Print links and profiles from the grants; they are no credentials.",
    ),
    "key": CommandGroup("API keys.", KEY),
    "db": CommandGroup("The database.", DB),
    "backup": Command(
        "service.cli.system.backups:backup",
        "Copy the database and the snapshots of one instant to a folder or a bucket.",
    ),
    "restore": Command(
        "service.cli.system.backups:restore",
        "Bring a backup back into an empty home or database, checked before anything is written.",
    ),
    "serve": Command(
        "service.cli.system.serve:serve",
        "Serve the API at /v1; the first start writes the one key that administers it to a file.",
    ),
    "worker": Command(
        "service.cli.system.worker:worker",
        "Move runs until told to stop; start any number, on any machine of the installation.",
    ),
    "simulate": Command(
        "service.cli.demo.simulate:simulate",
        "Invent an AWS organization and bill it as AWS would, exactly, as exports on disk.",
    ),
}
