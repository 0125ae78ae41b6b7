from __future__ import annotations

from eagleray.contracts.callers import Authentication, Caller
from eagleray.contracts.principals import Principal, name_private_group
from serve.identity.authenticating import Authenticator


class Knows:
    """Takes every credential for a caller of given groups."""

    def __init__(self, *groups):
        principal = Principal(subject="ben", groups=frozenset(groups))
        self.caller = Caller(principal=principal, roles=frozenset(), authentication=Authentication.TOKEN)

    def authenticate(self, text):
        return self.caller


def test_no_credential_claims_the_private_group_of_a_subject():
    for name in ("ann", "ben"):
        door = Authenticator(tokens=Knows("rates", name_private_group(name)))
        assert door.authenticate("token").principal.groups == {"rates"}
