"""Listings of a bucket key by key, for keys on which obstore gives up a whole page.

Keys come percent-encoded (`encoding-type=url`), because XML cannot carry most control characters.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import unquote_plus, urlsplit
from xml.etree import ElementTree

from eagleray.contracts.ports import StoredObject
from eagleray.contracts.times import to_micros
from eagleray.errors import StoreError
from eagleray.setting_groups.engine import S3Settings
from indexes.storage.s3_signing import Signer

_MAX_PAGE_BYTES: Final = 32 << 20
"""A page holds 1,000 keys of at most 1,024 bytes, each of which takes three characters at most."""

_PAUSES: Final = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Seconds before the attempts after the first."""

_PASSING: Final = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class ListingPage:
    """Up to 1,000 objects, their paths whole keys, and the token of the next page, empty after the last."""

    objects: tuple[StoredObject, ...]
    token: str


def find_signer(settings: S3Settings) -> Signer | None:
    """Return who signs, or `None` where the settings hold no key: that of an instance is not asked for."""
    if settings.access_key_id is None or settings.secret_access_key is None:
        return None
    return Signer(
        access_key_id=settings.access_key_id.get_secret_value(),
        secret_access_key=settings.secret_access_key.get_secret_value(),
        region=settings.region,
    )


def list_keys(bucket: str, prefix: str, settings: S3Settings, *, signer: Signer) -> Iterator[StoredObject]:
    """Yield every object whose key begins with `prefix`; their paths are whole keys.

    Raises:
        StoreError: the service does not answer or refuses, or its answer is no listing.
    """
    place = f"s3://{bucket}/{prefix}"
    address = _find_address(bucket, settings, place)
    opener = urllib.request.build_opener(_NoRedirect)
    seen = {""}
    query = {"list-type": "2", "encoding-type": "url", "prefix": prefix}
    while True:
        url, headers = signer.sign(address, query, now=datetime.now(UTC))
        page = read_page(_fetch(opener, url, headers, settings=settings, place=place), place=place)
        yield from page.objects
        if not page.token:
            return
        if page.token in seen:
            raise StoreError(path=place, detail="the service gave the same page of its listing twice")
        seen.add(page.token)
        query["continuation-token"] = page.token


def read_page(body: bytes, *, place: str) -> ListingPage:
    """Return what a page of a listing says.

    Raises:
        StoreError: it is no such page, or holds a document type definition.
    """
    parser = ElementTree.XMLParser(target=_NoDoctype())  # noqa: S314 - definitions are refused
    try:
        parser.feed(body)
        root = parser.close()
        if _strip(root.tag) != "ListBucketResult":
            raise ValueError(f"expected ListBucketResult, found {_strip(root.tag)}")
        fields = {_strip(child.tag): child.text or "" for child in root}
        is_encoded = fields.get("EncodingType") == "url"
        objects = tuple(
            _read_object(child, is_encoded=is_encoded) for child in root if _strip(child.tag) == "Contents"
        )
        token = fields.get("NextContinuationToken", "")
        if fields.get("IsTruncated") != "true":
            token = ""
        elif not token:
            raise ValueError("more keys follow, but not how to ask for them")
    except (ElementTree.ParseError, KeyError, ValueError) as error:
        raise StoreError(path=place, detail=f"the service's listing cannot be read: {error}") from error
    return ListingPage(objects=objects, token=token)


class _NoDoctype(ElementTree.TreeBuilder):
    """Builds a tree, but refuses definitions: they could make much of little, or name files."""

    def doctype(self, *_: Any) -> None:
        raise ValueError("it holds a document type definition")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Makes an error of a redirect: a signature holds for one address."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _read_object(element: ElementTree.Element, *, is_encoded: bool) -> StoredObject:
    fields = {_strip(child.tag): child.text or "" for child in element}
    return StoredObject(
        path=unquote_plus(fields["Key"]) if is_encoded else fields["Key"],
        size_bytes=int(fields["Size"]),
        modified=to_micros(datetime.fromisoformat(fields["LastModified"])),
        tag=fields.get("ETag", ""),
    )


def _strip(tag: str) -> str:
    return tag.rpartition("}")[2]


def _find_address(bucket: str, settings: S3Settings, place: str) -> str:
    """Return the bucket's own address, its name in the path."""
    endpoint = settings.endpoint.rstrip("/") or f"https://s3.{settings.region}.amazonaws.com"
    if urlsplit(endpoint).scheme not in (("https", "http") if settings.allow_http else ("https",)):
        raise StoreError(
            path=place, detail=f"{endpoint} is not an https:// address; see EAGLERAY_S3__ALLOW_HTTP"
        )
    return f"{endpoint}/{bucket}"


def _fetch(
    opener: urllib.request.OpenerDirector,
    url: str,
    headers: dict[str, str],
    *,
    settings: S3Settings,
    place: str,
) -> bytes:
    """Return the body of an answer; what may pass is tried again."""
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the scheme was checked
    for pause in (*_PAUSES, None):
        try:
            with opener.open(request, timeout=settings.timeout_s) as answer:
                body: bytes = answer.read(_MAX_PAGE_BYTES + 1)
            break
        except (OSError, HTTPException) as error:
            is_final = isinstance(error, HTTPError) and error.code not in _PASSING
            if pause is None or is_final:
                detail = f"its listing failed: {error}; check EAGLERAY_S3__…, and run the same command again"
                raise StoreError(path=place, detail=detail) from error
            time.sleep(pause)
    if len(body) > _MAX_PAGE_BYTES:
        raise StoreError(path=place, detail=f"a page of its listing is longer than {_MAX_PAGE_BYTES} bytes")
    return body
