"""What the maker of a subject declares about it: capabilities, tolerances, expectations. Three tables, never mixed."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from conformance.claim import suggest
from conformance.dtypes import DTYPES
from conformance.verdict import Verdict

FOLDER = Path(__file__).parent / "profiles"
TABLES = {
    "subject": ("import", "device", "name"),
    "capabilities": ("dtypes", "areas", "features"),
    "tolerances": (),
    "expectations": ("claim", "verdict", "torch", "reason", "issue", "check", "params"),
}


class ProfileError(ValueError):
    """A profile that cannot be used: the message names the file, the key, and the mend."""


@dataclass(frozen=True)
class Expectation:
    """A known verdict other than *held*, in a range of torch releases, with its reason and issue.

    `check` (part of the check's name) and `params` narrow it to some checks of the claim.
    """

    claim: str
    verdict: Verdict
    reason: str
    issue: str
    torch: SpecifierSet = field(default_factory=SpecifierSet)
    check: str = ""
    params: dict[str, str] = field(default_factory=dict)

    def covers(self, claim: str, check: str, params: dict[str, str]) -> bool:
        """Whether it speaks of this check of this claim."""
        named = all(params.get(name) == value for name, value in self.params.items())
        return claim == self.claim and self.check in check and named

    def to_json(self) -> dict[str, Any]:
        return {
            "claim": self.claim,
            "verdict": str(self.verdict),
            "torch": str(self.torch),
            "reason": self.reason,
            "issue": self.issue,
            "check": self.check,
            "params": self.params,
        }


@dataclass(frozen=True)
class Profile:
    """A declaration. None for dtypes, areas or features: nothing declared, probes decide.

    `option`: what one gives pytest to judge this subject.
    """

    name: str = "none"
    device: str = "cpu"
    subject_name: str = "cpu"
    imports: tuple[str, ...] = ()
    dtypes: tuple[str, ...] | None = None
    areas: tuple[str, ...] | None = None
    features: tuple[str, ...] | None = None
    tolerances: dict[str, float] = field(default_factory=dict)
    expectations: tuple[Expectation, ...] = ()
    option: str = "--device=cpu"

    def expectation(self, claim: str, check: str, params: dict[str, str], release: Version) -> Expectation | None:
        """The expectation for a check in this release, if there is one."""
        for expectation in self.expectations:
            if expectation.covers(claim, check, params) and release in expectation.torch:
                return expectation
        return None


def for_device(device: str) -> Profile:
    """The suite's own profile of a device type where there is one, or an empty one."""
    path = FOLDER / f"{device.partition(':')[0]}.toml"
    if not path.exists():
        return Profile(name="none", device=device, subject_name=device, option=f"--device={device}")
    return load(path, device=device)


def load(path: Path, *, device: str | None = None) -> Profile:
    """Read a profile. Raises ProfileError; `device` replaces the one that the file names."""
    tables = _parse(path)
    subject = tables.get("subject", {})
    option = f"--device={device}" if device else f"--profile={path}"
    device = device or _string(subject, "device", f"{path.name}: [subject]")
    capabilities = tables.get("capabilities", {})
    return Profile(
        name=path.stem,
        device=device,
        subject_name=subject.get("name", device),
        imports=_names(subject.get("import"), f"{path.name}: import") or (),
        dtypes=_known(capabilities.get("dtypes"), DTYPES, f"{path.name}: dtypes"),
        areas=_names(capabilities.get("areas"), f"{path.name}: areas"),
        features=_names(capabilities.get("features"), f"{path.name}: features"),
        tolerances={key: _factor(value, key, path) for key, value in tables.get("tolerances", {}).items()},
        expectations=tuple(_expectation(row, path) for row in tables.get("expectations", [])),
        option=option,
    )


def _parse(path: Path) -> dict[str, Any]:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"{path.name}: not TOML: {error}") from None
    for name, table in tables.items():
        if name not in TABLES:
            raise ProfileError(f"{path.name}: unknown table [{name}]{suggest(name, TABLES)}")
        wanted = list if name == "expectations" else dict
        if not isinstance(table, wanted):
            brackets = "[[expectations]]" if wanted is list else f"[{name}]"
            raise ProfileError(f"{path.name}: {name} has to be written as {brackets}")
        for row in table if isinstance(table, list) else [table]:
            for key in row if TABLES[name] else ():
                if key not in TABLES[name]:
                    raise ProfileError(f"{path.name}: unknown key {key!r} in [{name}]{suggest(key, TABLES[name])}")
    return tables


def _string(table: dict[str, Any], key: str, where: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ProfileError(f"{where}: {key} is missing; give it a string")
    return value


def _names(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    value = [value] if isinstance(value, str) else value
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ProfileError(f"{where} is {value!r}; it takes a list of names")
    return tuple(value)


def _known(value: Any, names: Iterable[str], where: str) -> tuple[str, ...] | None:
    found = _names(value, where)
    for name in found or ():
        if name not in names:
            raise ProfileError(f"{where}: there is no {name!r}{suggest(name, names)}")
    return found


def _factor(value: Any, key: str, path: Path) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or value < 1:
        raise ProfileError(f"{path.name}: tolerances: {key} is {value!r}; it takes a factor of at least 1")
    return float(value)


def _expectation(row: dict[str, Any], path: Path) -> Expectation:
    where = f"{path.name}: [[expectations]] {row.get('claim', '')}".rstrip()
    claim, reason, issue = (_string(row, key, where) for key in ("claim", "reason", "issue"))
    try:
        verdict = Verdict(row.get("verdict", "refuted"))
        releases = SpecifierSet(row.get("torch", ""))
    except (ValueError, InvalidSpecifier) as error:
        raise ProfileError(f"{where}: {error}") from None
    if verdict is Verdict.HELD:
        raise ProfileError(f"{where}: held is what every claim is expected to be; leave the row out")
    params = {str(name): str(value) for name, value in row.get("params", {}).items()}
    return Expectation(claim, verdict, reason, issue, releases, row.get("check", ""), params)


def validate(
    profile: Profile, claims: Iterable[str], areas: Iterable[str], features: Iterable[str], errors: Iterable[str]
) -> None:
    """Refuse what the suite does not know: claims, areas, features, error classes. Raises ProfileError."""
    named = (
        ("claim", [expectation.claim for expectation in profile.expectations], list(claims)),
        ("area", profile.areas or (), list(areas)),
        ("feature", profile.features or (), list(features)),
        ("error class", profile.tolerances, list(errors)),
    )
    for word, found, known in named:
        for name in found:
            if name not in known:
                raise ProfileError(f"{profile.name}: no {word} is called {name!r}{suggest(name, known)}")
