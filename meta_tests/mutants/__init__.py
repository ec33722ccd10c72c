"""All mutants, by area: one module an area, each with a list MUTANTS."""

from __future__ import annotations

import importlib
from pathlib import Path

from meta_tests.mutant import Mutant


def mutants() -> list[Mutant]:
    """Every mutant, in the order of the areas' names."""
    names = sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem != "__init__")
    return [mutant for name in names for mutant in importlib.import_module(f"{__name__}.{name}").MUTANTS]
