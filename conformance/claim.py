"""Claims: sentences about PyTorch that could be false, and the catalogue that holds them.

The catalogue is one TOML file an area, one table a claim; the file's name is the area, the table's
name the slug, and `area.slug` the id.
"""

from __future__ import annotations

import difflib
import fnmatch
import functools
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

FOLDER = Path(__file__).parent / "claims"
TIERS = ("must", "should", "advisory")
KINDS = ("semantic", "cost", "api")
NOTE_VERDICTS = ("right", "imprecise", "outdated", "wrong")
SLUG = re.compile(r"[a-z0-9_]+([-.][a-z0-9_]+)*")


class CatalogueError(ValueError):
    """A catalogue that cannot be used: the message names the file, the key, and the mend."""


@dataclass(frozen=True)
class Note:
    """Where a study note speaks of a claim, and how far the note is right."""

    note: str
    section: str
    verdict: str
    remark: str = ""


@dataclass(frozen=True)
class Claim:
    """One sentence about PyTorch.

    `since` is the first torch release for which the claim holds, `until` the first one for which it
    no longer does; either may be None. `untestable` says why a claim can have no check.
    """

    id: str
    says: str
    source: str
    notes: tuple[Note, ...] = ()
    needs: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None
    tier: str = "must"
    kind: str = "semantic"
    untestable: str = ""

    @property
    def area(self) -> str:
        return self.id.partition(".")[0]

    def exists_in(self, release: Version) -> bool:
        """Whether a torch release lies within since (inclusive) and until (exclusive)."""
        return within(release, self.since, self.until)


@functools.cache
def within(release: Version, since: str | None, until: str | None) -> bool:
    """Whether a release lies in [since, until); pre-releases count as their release."""
    base = Version(release.base_version)
    return (since is None or base >= Version(since)) and (until is None or base < Version(until))


@dataclass(frozen=True)
class Catalogue(Mapping[str, Claim]):
    """All claims by id, in the order of the files."""

    claims: dict[str, Claim] = field(default_factory=dict)

    def __getitem__(self, claim_id: str) -> Claim:
        try:
            return self.claims[claim_id]
        except KeyError:
            raise CatalogueError(f"no claim is called {claim_id!r}{suggest(claim_id, self.claims)}") from None

    def get(self, claim_id: str, default: Any = None) -> Any:
        """The claim, or the default: what Mapping says would let the CatalogueError through."""
        return self.claims.get(claim_id, default)

    def __iter__(self) -> Iterator[str]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def __contains__(self, claim_id: object) -> bool:
        return claim_id in self.claims

    @property
    def areas(self) -> list[str]:
        return list(dict.fromkeys(claim.area for claim in self.claims.values()))

    def select(self, claims: Iterable[str] = (), areas: Iterable[str] = ()) -> list[Claim]:
        """The claims whose id or area matches one of the globs; all of them without any glob.

        Raises CatalogueError for a glob that matches nothing.
        """
        claims, areas = list(claims), list(areas)
        if not claims and not areas:
            return list(self.claims.values())
        for globs, names, word in ((claims, list(self), "claim"), (areas, self.areas, "area")):
            for glob in globs:
                if not fnmatch.filter(names, glob):
                    raise CatalogueError(f"no {word} matches {glob!r}{suggest(glob, names)}")
        return [
            claim
            for claim in self.claims.values()
            if any(fnmatch.fnmatchcase(claim.id, glob) for glob in claims)
            or any(fnmatch.fnmatchcase(claim.area, glob) for glob in areas)
        ]

    def roots(self, claim_id: str) -> list[str]:
        """Every claim that a claim needs, directly or not, nearest first."""
        found: dict[str, None] = {}
        queue = list(self.claims[claim_id].needs) if claim_id in self.claims else []
        while queue:
            need = queue.pop(0)
            if need not in found:
                found[need] = None
                queue.extend(self.claims[need].needs)
        return list(found)


def suggest(word: str, words: Iterable[str]) -> str:
    """'; did you mean …?' for a word that is near to some others, or nothing."""
    near = difflib.get_close_matches(word, list(words), n=3, cutoff=0.5)
    return f"; did you mean {' or '.join(near)}?" if near else ""


@functools.cache
def catalogue(folder: Path = FOLDER) -> Catalogue:
    """Read and validate every file of a folder. Raises CatalogueError."""
    claims: dict[str, Claim] = {}
    for path in sorted(folder.glob("*.toml")):
        for claim in _read(path):
            claims[claim.id] = claim
    if not claims:
        raise CatalogueError(f"{folder}: holds no claims")
    for claim in claims.values():
        for need in claim.needs:
            if need not in claims:
                raise CatalogueError(f"{claim.id}: needs {need!r}, which no file has{suggest(need, claims)}")
    found = Catalogue(claims)
    for claim_id in claims:
        if claim_id in found.roots(claim_id):
            raise CatalogueError(f"{claim_id}: needs itself, through {', '.join(found.roots(claim_id))}")
    return found


def _read(path: Path) -> Iterator[Claim]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{path.name}: not TOML: {error}") from None
    for slug, table in tables.items():
        where = f"{path.name}: [{slug}]"
        if not SLUG.fullmatch(slug):
            raise CatalogueError(f"{where}: a slug is made of a-z, 0-9, '-', '_' and inner dots")
        if not isinstance(table, dict):
            raise CatalogueError(f"{where}: stands outside any table; put it under a [slug]")
        yield _claim(f"{path.stem}.{slug}", table, where)


def _claim(claim_id: str, table: dict[str, object], where: str) -> Claim:
    known = {name for name in Claim.__dataclass_fields__ if name != "id"}
    for key in table:
        if key not in known:
            raise CatalogueError(f"{where}: unknown key {key!r}{suggest(key, known)}")
    for key in ("says", "source"):
        if not isinstance(table.get(key), str) or not str(table[key]).strip():
            raise CatalogueError(f"{where}: {key} is missing; give it a string")
    for key, allowed in (("tier", TIERS), ("kind", KINDS)):
        if table.get(key, allowed[0]) not in allowed:
            raise CatalogueError(f"{where}: {key} is {table[key]!r}; it takes {', '.join(allowed)}")
    for key in ("since", "until"):
        _check_release(table.get(key), f"{where}: {key}")
    needs = table.get("needs", [])
    if not isinstance(needs, list) or not all(isinstance(need, str) for need in needs):
        raise CatalogueError(f"{where}: needs is {needs!r}; it takes a list of claim ids")
    notes = tuple(_note(note, where) for note in _list(table.get("notes", []), where))
    plain = {key: value for key, value in table.items() if key not in ("needs", "notes")}
    return Claim(id=claim_id, needs=tuple(needs), notes=notes, **plain)  # type: ignore[arg-type]


def _list(value: object, where: str) -> list[object]:
    if not isinstance(value, list):
        raise CatalogueError(f"{where}: notes is {value!r}; it takes a list of tables")
    return value


def _check_release(value: object, where: str) -> None:
    if value is None:
        return
    try:
        Version(value)  # type: ignore[arg-type]
    except (InvalidVersion, TypeError):
        raise CatalogueError(f'{where} is {value!r}; it takes a torch release such as "2.1"') from None


def _note(note: object, where: str) -> Note:
    if not isinstance(note, dict) or not {"note", "section", "verdict"} <= set(note):
        raise CatalogueError(f"{where}: a note needs note, section and verdict; found {note!r}")
    for key in note:
        if key not in Note.__dataclass_fields__:
            raise CatalogueError(f"{where}: unknown key {key!r} in notes{suggest(key, Note.__dataclass_fields__)}")
    if note["verdict"] not in NOTE_VERDICTS:
        raise CatalogueError(f"{where}: a note's verdict is {note['verdict']!r}; it takes {', '.join(NOTE_VERDICTS)}")
    if note["verdict"] != "right" and not note.get("remark"):
        raise CatalogueError(f"{where}: a note that is {note['verdict']} needs a remark that says how")
    return Note(**note)
