"""Scripts that show a refutation: each needs PyTorch and numpy, but nothing of this suite."""

from __future__ import annotations

import inspect
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from conformance import numerics
from conformance.claim import Claim
from conformance.reproducer.arguments import Arguments
from conformance.reproducer.bundle import SHORTER, VALUES, Bundle, Unbundleable
from conformance.reproducer.verification import verify
from conformance.run import Detail

__all__ = ["script", "verify"]

ROOT = Path(__file__).parent.parent.parent
ALWAYS = {"torch", "numpy"}


def script(function: Callable[..., None], arguments: dict[str, Any], claim: Claim, detail: Detail) -> str:
    """A script that calls a check with the arguments that refuted its claim: it exits 1 and says what differs if
    PyTorch still refutes it, and 0 if not.

    `function`: the check without Hypothesis. `arguments`: by name, among them `subject`. `detail`: what was found.
    Where the check cannot stand alone, the script calls the suite, and says so.
    """
    function = inspect.unwrap(function)
    try:
        code, packages = _alone(function, arguments, detail)
    except Exception as error:  # whatever a check is made of, its record gets a script
        code, packages = _with_suite(function, arguments, claim, error), {"torch-conformance (run it in a checkout)"}
    return _heading(claim, detail, packages) + code


def _alone(function: Callable[..., None], arguments: dict[str, Any], detail: Detail) -> tuple[str, set[str]]:
    if function.__qualname__ != function.__name__ or getattr(function, "__closure__", None):
        raise Unbundleable("the check was made by another function")
    widening = dict(numerics.widening)
    bundle = Bundle({key: value for key, value in SHORTER.items() if not widening or key != VALUES})
    called, writer, given = _written(bundle, function, arguments)
    if bundle.only_exact:
        bundle = Bundle({**SHORTER, VALUES: "exact_values"})
        called, writer, given = _written(bundle, function, arguments)
    lines = [f"torch.manual_seed({torch.initial_seed()})"]
    if widening:
        lines.append(f"{bundle.reference('conformance.numerics', 'widening')}.update({widening!r})")
    lines += [f"arguments = dict(\n{given})", *_ending(called, detail)]
    for extra in ("torch", *arguments["subject"].profile.imports):
        writer.use(f"import {extra}")
    packages = {found.module.partition(".")[0] for found in (*bundle.imports, *writer.imports.values())}
    return bundle.text(list(writer.imports.values()), "\n".join(lines) + "\n"), packages


def _written(bundle: Bundle, function: Callable[..., None], arguments: dict[str, Any]) -> tuple[str, Arguments, str]:
    called = bundle.reference(function.__module__, function.__name__)
    for _ in range(2):  # rows of tables may ask more of the subject and the recipes than the check itself
        writer = Arguments(bundle, function.__module__, arguments["subject"].device)
        given = [f"    {name}={writer.code(value)},\n" for name, value in arguments.items()]
    return str(called), writer, "".join(given)


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


def _with_suite(function: Callable[..., None], arguments: dict[str, Any], claim: Claim, why: Exception) -> str:
    device = getattr(arguments.get("subject"), "device", "cpu")
    options = [f"--claim={claim.id}", f"--device={device}", "-k", function.__name__]
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
