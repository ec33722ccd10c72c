"""One side of an A/B comparison: a process that times a case whenever it is told to.

It reads lines of JSON from standard input and answers each with one: {"cases": "*"} with the names, {"prepare": name}
with the number of calls in a sample, {"take": turns} with the seconds of one call for each turn. An answer with
"error" says what went wrong.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import torch

from perf.cases import cases
from perf.clock import clock_for, prove
from perf.timing import Turns, Work, undisturbed


class Side:
    """The state of a worker: its clock, and the case that it times."""

    def __init__(self, device: str) -> None:
        self.device, self.clock = device, clock_for(device)
        prove(self.clock)
        self.turns = Turns(self.clock, [])

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one thing and say what came out."""
        if "cases" in order:
            return {"cases": list(cases(order["cases"])), "torch": torch.__version__}
        if "prepare" in order:
            return self._prepare(order["prepare"])
        with undisturbed():
            for _ in range(order["take"]):
                self.turns.turn()
        taken, self.turns.samples = self.turns.samples[0], [[]]
        return {"seconds": taken}

    def _prepare(self, name: str) -> dict[str, Any]:
        work = Work.of(name, cases()[name](self.device))
        self.turns = Turns(self.clock, [work], least=5e-4)
        with undisturbed():
            one = self.turns.warm_up()
        return {"loops": self.turns.loops[0], "sample": one}


def main(device: str = "cpu") -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever torch prints is no answer
    side = Side(device)
    for line in sys.stdin:
        try:
            found = side.answer(json.loads(line))
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(found) + "\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
