"""What somebody shows, to who they are: the one door to a server."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from eagleray.contracts.callers import Caller
from eagleray.contracts.principals import drop_private_groups
from eagleray.errors import AuthenticationError
from serve.identity.key_texts import PREFIX


class Checker(Protocol):
    """Knows one kind of credential."""

    def authenticate(self, text: str) -> Caller:
        """Return who shows it, or raise `AuthenticationError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticator:
    """Knows callers by what they show; a kind that is not accepted has no checker.

    Attributes:
        keys: checks API keys.
        tokens: checks tokens.
        nobody: who asks where nothing is shown; `None` refuses that.
    """

    keys: Checker | None = None
    tokens: Checker | None = None
    nobody: Caller | None = None

    def authenticate(self, credential: str) -> Caller:
        """Return who asks.

        Private groups that a credential claims are dropped.

        Args:
            credential: an API key or a token, as it follows `Bearer`; empty where nothing is shown. What is
                shown and wrong is refused, also where nothing would do.

        Raises:
            AuthenticationError: it is not known who asks.
            KeySetError: tokens cannot be checked now.
            StoreError: keys cannot be checked now.
        """
        if not credential:
            if self.nobody is None:
                raise AuthenticationError(reason="nothing_shown")
            return self.nobody
        checker = self.keys if credential.startswith(PREFIX) else self.tokens
        if checker is None:
            raise AuthenticationError(reason="kind_not_accepted")
        caller = checker.authenticate(credential)
        return replace(caller, principal=drop_private_groups(caller.principal))
