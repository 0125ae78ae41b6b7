"""AWS Signature Version 4 of a GET request without a body, as S3-compatible services check it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

_ALGORITHM: Final = "AWS4-HMAC-SHA256"
_NO_BODY: Final = hashlib.sha256(b"").hexdigest()
_SIGNED: Final = "host;x-amz-content-sha256;x-amz-date"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs, and for which region."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str

    def sign(self, address: str, query: Mapping[str, str], *, now: datetime) -> tuple[str, dict[str, str]]:
        """Return the URL of a GET request and the headers that sign it.

        Args:
            address: scheme, host and path, percent-encoded, without a query.
            query: parameters, not yet encoded.
            now: a time with a zone; services accept one that is a few minutes off.
        """
        moment = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        parts = urlsplit(address)
        encoded = "&".join(f"{quote(key, safe='')}={quote(query[key], safe='')}" for key in sorted(query))
        headers = {"host": parts.netloc, "x-amz-content-sha256": _NO_BODY, "x-amz-date": moment}
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = "\n".join(("GET", parts.path or "/", encoded, lines, _SIGNED, _NO_BODY))
        scope = f"{moment[:8]}/{self.region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        signature = self._compute(scope, "\n".join((_ALGORITHM, moment, scope, digest)))
        credential = f"Credential={self.access_key_id}/{scope}"
        signed = f"{_ALGORITHM} {credential}, SignedHeaders={_SIGNED}, Signature={signature}"
        return f"{address}?{encoded}", {**headers, "authorization": signed}

    def _compute(self, scope: str, text: str) -> str:
        key = f"AWS4{self.secret_access_key}".encode()
        for step in (*scope.split("/"), text):
            key = hmac.new(key, step.encode(), hashlib.sha256).digest()
        return key.hex()
