"""Views that are wrong for integers of numpy, for subclasses, or after a call that was refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from meta_tests.mutant import Mutant, after_a_refusal
from meta_tests.mutants.view import method

Tensor = torch.Tensor


def by_numpy(value: Any) -> bool:
    return any(map(by_numpy, value)) if isinstance(value, (tuple, list)) else isinstance(value, np.integer)


def refuses_numpy(sound: Any) -> Any:
    def call(x: Any, *args: Any, **kwargs: Any) -> Any:
        if by_numpy((*args, *kwargs.values())):
            raise TypeError("an int is wanted")
        return sound(x, *args, **kwargs)

    return call


def plain(sound: Any) -> Any:
    return lambda x, *args, **kwargs: sound(x, *args, **kwargs).as_subclass(Tensor)


CLAIMS = {"unsqueeze": "unsqueeze", "select": "select", "unfold": "unfold", "flatten": "flatten", "movedim": "movedim"}
CLAIMS |= {"diagonal": "diagonal", "squeeze": "squeeze-dim"}

MUTANTS: list[Mutant] = [
    *(method(claim, f"{name} refuses numpy's integers", name, refuses_numpy) for name, claim in CLAIMS.items()),
    *(method(claim, f"{name} loses a subclass", name, plain) for name, claim in CLAIMS.items()),
    *(
        method(claim, f"{name} copies after a refusal", name, after_a_refusal(Tensor.clone))
        for name, claim in CLAIMS.items()
    ),
]
