"""Runs made by hand, and a small catalogue for them: what the tests of the reports read."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from conformance.claim import Catalogue, catalogue
from conformance.run import SCHEMA, Detail, Record, Run, footer
from reports.__main__ import main

CLAIMS = {
    "creation": """
        [full]
        says = "full returns a tensor filled with the value."
        source = "https://docs.pytorch.org/docs/stable/generated/torch.full.html"
        notes = [{ note = "001", section = "Making tensors", verdict = "right" }]
        """,
    "view": """
        [base]
        says = "A view keeps the tensor that it looks into as its base."
        source = "https://docs.pytorch.org/docs/stable/tensor_view.html"
        needs = ["creation.full"]
        notes = [{ note = "001", section = "Views", verdict = "imprecise", remark = "The note says: a copy." }]

        [strides]
        says = "A transposed view swaps the strides."
        source = "https://docs.pytorch.org/docs/stable/tensor_view.html"
        needs = ["view.base"]
        tier = "should"
        notes = [{ note = "002", section = "Strides", verdict = "wrong", remark = "The note has them the other way." }]

        [taste]
        says = "Views are nice."
        source = "https://docs.pytorch.org/docs/stable/tensor_view.html"
        untestable = "A matter of taste."
        notes = [{ note = "002", section = "Taste", verdict = "right" }]
        """,
    "math": """
        [sum]
        says = "The sum is the sum."
        source = "https://docs.pytorch.org/docs/stable/generated/torch.sum.html"

        [novel]
        says = "What is new in 2.5 works."
        source = "https://docs.pytorch.org/docs/stable/torch.html"
        since = "2.5"

        [gone]
        says = "What went in 2.5 works."
        source = "https://docs.pytorch.org/docs/stable/torch.html"
        until = "2.5"
        """,
}
SCRIPT = "import sys\nsys.exit('the base is None')\n"
# Text that a terminal, a browser, XML or Markdown could take for more than text.
HOSTILE = "<script>alert(1)</script> \x1b[31m `|` \u202e \ud800 ]]> &amp; \"'"


def write_catalogue(folder: Path, claims: dict[str, str] = CLAIMS) -> Path:
    """The catalogue as files of a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for area, text in claims.items():
        (folder / f"{area}.toml").write_text(text, encoding="utf-8")
    return folder


def read_catalogue(folder: Path, claims: dict[str, str] = CLAIMS) -> Catalogue:
    """The catalogue, by way of a folder."""
    return catalogue(write_catalogue(folder, claims))


def record(claim: str = "view.base", verdict: str = "held", *, check: str = "", **changes: Any) -> Record:
    """One record; `changes`: fields of Record, and of its Detail."""
    detail = Detail(**{name: changes.pop(name) for name in list(changes) if name in Detail.__dataclass_fields__})
    area, _, slug = claim.partition(".")
    plain = {"params": {}, "subject": "cpu", "examples": 10, "seconds": 0.01} | changes
    return Record(claim, check or f"conformance/test_{area}.py::test_{slug}", verdict=verdict, detail=detail, **plain)


def refuted(claim: str = "view.base", **changes: Any) -> Record:
    """A refutation with all that a reader wants."""
    plain = {
        "message": "the base is None, but should be the tensor",
        "recipe": "Recipe(shape=(2, 3), dtype='float32')",
        "expected": "tensor([0., 1.])",
        "actual": "None",
        "reproducer": SCRIPT,
        "reproduced": True,
    }
    return record(claim, "refuted", **{**plain, **changes})


def run(
    records: Iterable[Record],
    *,
    torch: str = "2.4.0",
    subjects: Iterable[str] = ("cpu",),
    stale: Iterable[str] = (),
    **header: Any,
) -> Run:
    """A whole run with a header and a footer that fit the records; `header`: keys to add or replace."""
    records = list(records)
    plain = {
        "kind": "header",
        "schema": SCHEMA,
        "suite": {"name": "torch-conformance", "version": "0.1.0", "commit": "0123456789ab"},
        "environment": {
            "torch": torch,
            "torch_config": "PyTorch built with:\n  - GCC 13",
            "numpy": "1.26.4",
            "python": "3.11.9",
            "os": "Linux",
            "cpu": "A CPU",
            "driver": "",
            "threads": 2,
            "flags": {"deterministic": "False"},
            "command": "pytest --device=cpu",
        },
        "subjects": [{"name": name, "device": name, "torch": torch, "profile": "none"} for name in subjects],
        "effort": "gate",
        "seed": 0,
        "planned": len(records),
        "selection": {"claims": [], "areas": []},
        "deselected": 0,
        "started": "2026-11-21T12:00:00+00:00",
        "uncovered": [],
        "expectations": [],
    }
    return Run({**plain, **header}, records, footer(records, 12.3, stale))


def written(folder: Path, found: Run, name: str = "run.jsonl") -> str:
    """Write a run into a folder; returns its path."""
    found.write(folder / name)
    return str(folder / name)


def call(folder: Path, command: str, *arguments: str) -> int:
    """A command of the reports with the catalogue that `write_catalogue` left in the folder 'claims'."""
    return main([command, "--claims", str(folder / "claims"), *arguments])
