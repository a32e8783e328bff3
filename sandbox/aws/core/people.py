"""Owns what only a person can do: the account owner's steps at the console and the mailbox."""

from __future__ import annotations

from sandbox.aws.core.world import AwsAccount, World


class Owner:
    """None of this has an API: payment method, agreement, root sign-in."""

    def __init__(self, world: World, account: AwsAccount) -> None:
        self._world = world
        self.account = account

    def add_payment_instrument(self) -> None:
        self.account.payment_instrument = True

    def accept_agreement(self) -> None:
        self.account.accepted_agreement = True

    def recover_root_password(self) -> None:
        """By e-mail; refused while the organization keeps the account without root credentials."""
        organization = self.account.organization
        managed = organization and "RootCredentialsManagement" in organization.root_features
        if managed and not self.account.root.password:
            raise PermissionError("password recovery is disabled for your account")
        self.account.root.password = True

    def sign_in_as_root(self) -> None:
        assert self.account.root.password, "nobody can sign in as root without a password"
        self.account.root.password_last_used = self._world.now()

    def add_root_mfa(self) -> None:
        """An app on a telephone."""
        self._add_device("mfa/root-account-mfa-device")

    def add_root_passkey(self) -> None:
        self._add_device("u2f/root-account/key-1")

    def _add_device(self, name: str) -> None:
        assert self.account.root.password, "nobody can sign in as root without a password"
        self.account.root.mfa_devices.append(f"arn:aws:iam::{self.account.id}:{name}")

    def add_root_access_key(self) -> str:
        key = "AKIA" + "".join(self._world.random.choices("ABCDEFGHJKLMNPQRSTUVWXYZ", k=16))
        self.account.root.access_keys[key] = "Active"
        return key
