"""Versions of a document: as they are delivered, as the collection holds them, and what becomes of them.

`reconciliation` decides what a delivery changes; `relabelled_versions`, what another mapping makes of those
there are.
"""

from __future__ import annotations

from dataclasses import dataclass

from eagleray.digests import digest_json


def name_reissue(version: str, known_from: int) -> str:
    """Return the version name of content that comes back after something else replaced it."""
    return digest_json([version, known_from])[:32]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveredVersion:
    """A version of a document as it was read in this run.

    Attributes:
        version: content digest.
        key: where it was read, for reports: source and position.
        zone: in which its rows lie.
    """

    version: str
    known_from: int
    known_to: int
    groups: tuple[str, ...]
    key: str
    zone: str = "default"

    @property
    def source(self) -> str:
        """What it was read from."""
        return self.key.partition("\n")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A version of a document that the parent snapshot holds, patches applied.

    Attributes:
        is_due: its file was read again or is gone, so an open version that was not delivered
            has been removed at the source.
        content: digest of its content, where a relabelling made it another than its name says; else empty.
        unread: where it was read, if that is still there and was not read again; else empty.
        zone: in which its rows lie.
    """

    version: str
    known_from: int
    known_to: int
    groups: tuple[str, ...]
    is_due: bool
    content: str = ""
    unread: str = ""
    zone: str = "default"

    def holds(self, version: str) -> bool:
        """Return whether its content is what a delivered version says."""
        if self.content:
            return self.content == version
        return self.version in (version, name_reissue(version, self.known_from))


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A delivery that becomes new rows, with its final version name and times."""

    delivery: DeliveredVersion
    version: str
    known_from: int
    known_to: int
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionChange:
    """New `known_to` or groups for a held version; `None` leaves that part as it is."""

    version: str
    known_to: int | None = None
    groups: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPlan:
    """What happens to one document.

    Attributes:
        additions: in order of `known_from`.
        changes: patches to held versions.
        conflicts: deliveries set aside: different content that claims the same moment.
        n_repeated: deliveries whose content was already there.
    """

    additions: tuple[Addition, ...] = ()
    changes: tuple[VersionChange, ...] = ()
    conflicts: tuple[DeliveredVersion, ...] = ()
    n_repeated: int = 0
