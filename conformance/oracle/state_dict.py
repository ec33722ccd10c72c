"""What loading a state does: which keys match, what is reported, and which values stand in each leaf afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from conformance.oracle.module import Leaf, Node, state


@dataclass
class Loading:
    """The outcome of one load. `values`: what each leaf that was written to holds afterwards, by its number."""

    missing: list[str] = field(default_factory=list)
    unexpected: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)
    values: dict[int, np.ndarray] = field(default_factory=dict)

    def fails(self, *, strict: bool) -> bool:
        """Whether PyTorch owes a RuntimeError: wrong sizes always do it, wrong keys only if strict."""
        return bool(self.mismatched or (strict and (self.missing or self.unexpected)))

    @property
    def named(self) -> list[str]:
        """Every key that a strict error has to name."""
        return [*self.missing, *self.unexpected, *self.mismatched]


def load(root: Node, given: Mapping[str, np.ndarray]) -> Loading:
    """Load arrays by key into a tree. A leaf under several keys ends with the last of them that fits."""
    found = Loading()
    owned = dict(state(root))
    for key, leaf in owned.items():
        if key not in given:
            found.missing.append(key)
        elif not fits(leaf, given[key]):
            found.mismatched.append(key)
        else:
            found.values[leaf.number] = given[key]
    found.unexpected = [key for key in given if key not in owned]
    return found


def fits(leaf: Leaf, value: np.ndarray) -> bool:
    """Only the very same shape does; nothing is broadcast or reshaped."""
    return leaf.shape == value.shape


def transfer(own: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """The recipe that works: everything of one's own, replaced where the other has an entry of that name."""
    return {key: other.get(key, value) for key, value in own.items()}
