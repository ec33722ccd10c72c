"""The methods that fill self with random numbers, as a table: support, distribution, and arguments that are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from conformance.oracle import random as oracle

MOST = ("bfloat16", "float32", "float64")
NUMBERS = ("uint8", "int8", "int16", "int32", "int64", *MOST)


@dataclass(frozen=True)
class Filler:
    """A method that fills self. `cdf`, `median`: of a continuous distribution; `chances`: of the integers from `low`.

    `support`: the least and the largest number that can come. `refused`: arguments outside the domain, and the release
    since which they are.
    """

    name: str
    args: tuple[float, ...]
    options: dict[str, float] = field(default_factory=dict)
    dtypes: tuple[str, ...] = MOST
    support: tuple[float, float] = (-np.inf, np.inf)
    cdf: Callable[[np.ndarray], np.ndarray] | None = None
    low: int = 0
    chances: Any = None
    refused: tuple[tuple[float, ...], ...] = ()
    refused_since: str | None = None

    @property
    def call(self) -> str:
        return f"{self.name}{self.args or ''}{self.options or ''}"


FILLERS = (
    Filler("uniform_", (-3, 5), support=(-3, 5), cdf=oracle.uniform(-3, 5), refused=((1, 0), (0, np.inf))),
    Filler("uniform_", (), support=(0, 1), cdf=oracle.uniform()),
    Filler("uniform_", (), {"to": 4}, support=(0, 4), cdf=oracle.uniform(0, 4)),
    Filler("normal_", (2, 3), cdf=oracle.normal(2, 3), refused=((0, -1),)),
    Filler("normal_", (), cdf=oracle.normal()),
    Filler("normal_", (), {"mean": -1, "std": 0.5}, cdf=oracle.normal(-1, 0.5)),
    Filler("exponential_", (2.5,), support=(0, np.inf), cdf=oracle.exponential(2.5), refused=((-1,),)),
    Filler("exponential_", (), support=(0, np.inf), cdf=oracle.exponential()),
    Filler("cauchy_", (1, 2), cdf=oracle.cauchy(1, 2), refused=((0, -1),), refused_since="2.0"),
    Filler("cauchy_", (), cdf=oracle.cauchy()),
    Filler("log_normal_", (0.5, 0.75), support=(0, np.inf), cdf=oracle.log_normal(0.5, 0.75), refused=((0, -1),)),
    Filler("log_normal_", (), support=(0, np.inf), cdf=oracle.log_normal()),
    Filler(
        "geometric_",
        (0.25,),
        dtypes=NUMBERS,
        support=(1, np.inf),
        low=1,
        chances=oracle.geometric(0.25, 30),
        refused=((0,), (1.5,), (-0.5,)),
    ),
    Filler(
        "bernoulli_",
        (0.25,),
        dtypes=("bool", *NUMBERS),
        support=(0, 1),
        chances=np.array([0.75, 0.25]),
        refused=((1.5,), (-0.5,)),
    ),
    Filler("bernoulli_", (), dtypes=("bool", *NUMBERS), support=(0, 1), chances=np.array([0.5, 0.5])),
    Filler(
        "random_", (2, 9), dtypes=NUMBERS, support=(2, 8), low=2, chances=np.full(7, 1 / 7), refused=((3, 3), (4, 2))
    ),
    Filler("random_", (5,), dtypes=("float16", *NUMBERS), support=(0, 4), chances=np.full(5, 0.2), refused=((0,),)),
)
