"""What is judged: one build of PyTorch on one device."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass, field

import torch
from packaging.version import Version

from conformance import host
from conformance.dtypes import DTYPES
from conformance.profile import Profile


class Unsupported(Exception):
    """The subject has no such dtype or feature; the check that asked says nothing about it."""


class NoSuchSubject(ValueError):
    """A device that is not there, or a profile that the subject contradicts; the message is one line."""


@dataclass(frozen=True)
class Subject:
    """One build of PyTorch on one device. `name`: short, for node ids and report columns."""

    device: str
    name: str
    profile: Profile = field(default_factory=Profile, repr=False, compare=False)

    @property
    def release(self) -> Version:
        """The release of the PyTorch under judgement, without local build tags."""
        return release()

    @property
    def is_cpu(self) -> bool:
        return torch.device(self.device).type == "cpu"

    def supports(self, dtype: str) -> bool:
        """Whether a tensor of this dtype can be made on the device, and its profile does not exclude it."""
        declared = self.profile.dtypes
        return (declared is None or dtype in declared) and _can_make(dtype, self.device)

    def require(self, dtype: str) -> None:
        """Raise Unsupported for a dtype that the subject lacks."""
        if not self.supports(dtype):
            raise Unsupported(f"{self.name} has no {dtype}")

    def has(self, feature: str) -> bool:
        """Whether the profile, or else a probe, grants a feature of `FEATURES`."""
        declared = self.profile.features
        if declared is not None:
            return feature in declared
        return bool(FEATURES[feature](self))

    def require_feature(self, feature: str) -> None:
        """Raise Unsupported for a feature that the subject lacks."""
        if not self.has(feature):
            raise Unsupported(f"{self.name} has no {feature}")

    def describe(self) -> dict[str, str]:
        """The subject as the run's header shows it."""
        return {"name": self.name, "device": self.device, "torch": torch.__version__, "profile": self.profile.name}


# What a subject may have besides dtypes; each probe asks without judging.
FEATURES = {
    "host_memory": lambda subject: subject.is_cpu,
    "streams": lambda subject: torch.device(subject.device).type in ("cuda", "xpu"),
    "pinned_memory": lambda subject: not subject.is_cpu and torch.cuda.is_available(),
}


def release() -> Version:
    """The release of the installed PyTorch, without its local build tag."""
    return Version(Version(torch.__version__).base_version)


@functools.cache
def _can_make(dtype: str, device: str) -> bool:
    try:
        torch.empty(1, dtype=host.torch_dtype(dtype), device=device)
    except (AttributeError, RuntimeError, TypeError, NotImplementedError):
        return False
    return True


def find(profile: Profile) -> Subject:
    """The subject that a profile names. Raises NoSuchSubject if it is not there or not as declared."""
    for module in profile.imports:
        try:
            importlib.import_module(module)
        except Exception as error:  # an extension may fail in any way; the reader wants the reason in one line
            raise NoSuchSubject(
                f"{profile.name}: import {module}: {type(error).__name__}: {_first_line(error)}"
            ) from None
    try:
        torch.empty(1, device=profile.device)
    except Exception as error:
        raise NoSuchSubject(f"no device {profile.device!r} here: {_first_line(error)}") from None
    for dtype in profile.dtypes or ():
        since = DTYPES[dtype].since
        if not _can_make(dtype, profile.device) and (since is None or release() >= Version(since)):
            raise NoSuchSubject(f"{profile.name}: declares {dtype}, but {profile.device} cannot make such a tensor")
    return Subject(profile.device, profile.subject_name, profile)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
