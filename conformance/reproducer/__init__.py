"""Scripts that show a refutation: each needs PyTorch and numpy, but nothing of this suite."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from conformance import numerics
from conformance.claim import Claim
from conformance.reproducer.arguments import Arguments
from conformance.reproducer.bundle import SHORTER, VALUES, Bundle, Unbundleable
from conformance.reproducer.sweeps import RANDOM, Frame, frames, turns
from conformance.reproducer.verification import verify
from conformance.run import Detail

__all__ = ["script", "turns", "verify"]

ROOT = Path(__file__).parent.parent.parent
ALWAYS = {"torch", "numpy"}


def script(
    function: Callable[..., None],
    arguments: dict[str, Any],
    claim: Claim,
    detail: Detail,
    error: BaseException | None = None,
    choices: Sequence[str] = (),
) -> str:
    """A script that calls a check with the arguments that refuted its claim: it exits 1 and says what differs if
    PyTorch still refutes it, and 0 if not.

    `function`: the check without Hypothesis. `arguments`: by name, among them `subject`. `detail`: what was found.
    `error`: what ended the check; the script leaves out the turns of its loops that came before. Where the check
    cannot stand alone, the script calls the suite, and says so. `choices`: effort and seed as options of the suite.
    """
    function = inspect.unwrap(function)
    try:
        code, packages = _alone(function, arguments, detail, error)
    except Exception as reason:  # whatever a check is made of, its record gets a script
        code, packages = (
            _with_suite(function, arguments, claim, reason, choices),
            {"torch-conformance (run it in a checkout)"},
        )
    return _heading(claim, detail, packages) + code


def _alone(
    function: Callable[..., None], arguments: dict[str, Any], detail: Detail, error: BaseException | None
) -> tuple[str, set[str]]:
    if function.__qualname__ != function.__name__ or getattr(function, "__closure__", None):
        raise Unbundleable("the check was made by another function")
    shorter = dict(SHORTER)
    if numerics.widening:
        del shorter[VALUES]
    written = Written(function, arguments, shorter, frames(error))
    if written.bundle.attributes & RANDOM:
        written = Written(function, arguments, shorter, {})
    if written.bundle.only_exact:
        written = Written(function, arguments, {**shorter, VALUES: "exact_values"}, written.bundle.frames)
    return written.text(detail), written.packages


class Written:
    """A check, all that it uses, and its arguments, as code."""

    def __init__(
        self,
        function: Callable[..., None],
        arguments: dict[str, Any],
        shorter: dict[tuple[str, str], str],
        under_way: Mapping[tuple[str, str], Frame],
    ) -> None:
        module, self.subject = function.__module__, arguments["subject"]
        device = self.subject.device
        self.bundle = Bundle(shorter, under_way, lambda bundle, value: Arguments(bundle, module, device).code(value))
        self.called = str(self.bundle.reference(module, function.__name__))
        for _ in range(2):  # rows of tables may ask more of the subject and the recipes than the check itself
            self.writer = Arguments(self.bundle, module, device)
            self.given = [f"    {name}={self.writer.code(value)},\n" for name, value in arguments.items()]
            turns = self.bundle.turns.items()
            self.turns = [f"{self.bundle.token(key)} = [{self.writer.code(value)}]" for key, value in turns]
        for extra in ("torch", *self.subject.profile.imports):
            self.writer.use(f"import {extra}")

    @property
    def packages(self) -> set[str]:
        """The top-level modules that the script imports."""
        imports = (*self.bundle.imports, *self.writer.imports.values())
        return {found.module.partition(".")[0] for found in imports}

    def text(self, detail: Detail) -> str:
        """The script without its heading."""
        lines = [f"torch.manual_seed({torch.initial_seed()})"]
        if numerics.widening:
            name = self.bundle.reference("conformance.numerics", "widening")
            lines.append(f"{name}.update({dict(numerics.widening)!r})")
        lines += [*self.turns, f"arguments = dict(\n{''.join(self.given)})", *_ending(self.called, detail)]
        return self.bundle.text(list(self.writer.imports.values()), "\n".join(lines) + "\n")


def _ending(called: str, detail: Detail) -> list[str]:
    # Where PyTorch had to answer, another exception refutes as well; its message then begins with its type.
    raised = re.match(r"(\w+): ", detail.message or "")
    also = f" or type(error).__name__ == {raised[1]!r}" if raised else ""
    return [
        "try:",
        f"    {called}(**arguments)",
        "except Exception as error:",
        '    print(f"torch {torch.__version__}: {type(error).__name__}: {error}")',
        '    for side in ("expected", "actual"):',
        "        if hasattr(error, side):",
        '            print(f"{side}: {getattr(error, side)}")',
        f"    raise SystemExit(1 if isinstance(error, AssertionError){also} else 2) from None",
        'print(f"torch {torch.__version__}: not refuted")',
    ]


def _with_suite(
    function: Callable[..., None], arguments: dict[str, Any], claim: Claim, why: Exception, choices: Sequence[str]
) -> str:
    device = getattr(arguments.get("subject"), "device", "cpu")
    options = [f"--claim={claim.id}", f"--device={device}", *choices, "-k", function.__name__]
    options += ["-n0", "-p", "no:conformance-recording", "-p", "no:cacheprovider"]
    return textwrap.dedent(
        f"""\
        # The check does not stand alone: {" ".join(str(why).split())[:90]}
        import pytest


        class Watch:
            refuted = False

            def pytest_runtest_logreport(self, report):
                found = dict(report.user_properties).get("conformance", {{}})
                self.refuted = self.refuted or found.get("verdict") == "refuted"


        watch = Watch()
        pytest.main({options!r}, [watch])
        raise SystemExit(1 if watch.refuted else 0)
        """
    )


def _heading(claim: Claim, detail: Detail, packages: set[str]) -> str:
    rows = [f"{claim.id}: {claim.says}", f"source: {claim.source}"]
    found = (("found", detail.message), ("expected", detail.expected), ("actual", detail.actual))
    rows += [f"{name}: {text}" for name, text in found if text]
    needs = ", ".join(sorted(packages - set(sys.stdlib_module_names)))
    rows += [f"Needs {needs}. Exits 1 where PyTorch refutes the claim, 0 where it does not."]
    return "".join(_comment(row) for row in rows) + "\n"


def _comment(text: str) -> str:
    lines = textwrap.wrap(" ".join(text.split()), 116, max_lines=8, placeholder=" …")
    return "".join(f"# {line}\n" for line in lines)
