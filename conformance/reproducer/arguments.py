"""A check's arguments as code: recipes as what makes the tensor, rows of tables as their source, literals."""

from __future__ import annotations

import enum
import functools
import math
import sys
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

import numpy as np
import torch
from packaging.version import Version

from conformance.dtypes import DTYPES
from conformance.reproducer.bundle import SUPPORT, Bundle, Unbundleable
from conformance.reproducer.modules import OURS, Import
from conformance.reproducer.tables import constructor, row

PLAIN = (bool, int, str, bytes, type(None), type(...), range, torch.dtype, torch.layout, torch.memory_format)
# Where functions live that do not know it themselves.
HOMES = ("torch", "torch.Tensor", "torch.nn.functional", "torch.nn", "torch.linalg", "torch.fft", "torch.special")
RECIPE_FACTS = ("dtype", "shape", "strides", "offset", "ndim", "numel", "requires_grad", "is_contiguous")


class Arguments:
    """Writes values as expressions; what they use goes into the bundle, what they import into `imports`."""

    def __init__(self, bundle: Bundle, module: str, device: str) -> None:
        self.bundle, self.module, self.device = bundle, module, device
        self.imports: dict[str, Import] = {}

    def code(self, value: Any) -> str:
        """An expression for a value, with tokens of the bundle. Raises Unbundleable."""
        for writer in (self._plain, self._known, self._from_table, self._made):
            text = writer(value)
            if text is not None:
                return text
        raise Unbundleable(f"there is no code for a {type(value).__name__}: {value!r}"[:200])

    def _from_table(self, value: Any) -> str | None:
        return row(self.bundle, self.module, value)

    def _made(self, value: Any) -> str | None:
        return constructor(self.bundle, value, self.code)

    def use(self, text: str) -> None:
        module, name = text.split()[1], text.split()[3] if text.startswith("from") else ""
        self.imports[text] = Import(module, name, text)

    # -- values that have a literal --------------------------------------------------------------------------------

    def _plain(self, value: Any) -> str | None:
        if isinstance(value, (enum.Enum, np.generic)) or hasattr(value, "_fields"):
            return None
        if isinstance(value, PLAIN):
            return repr(value)
        if isinstance(value, torch.device):
            return f"torch.{value!r}"
        if isinstance(value, slice):
            return f"slice({self.code(value.start)}, {self.code(value.stop)}, {self.code(value.step)})"
        return _number(value) if isinstance(value, (float, complex)) else self._collection(value)

    def _collection(self, value: Any) -> str | None:
        if isinstance(value, (tuple, list)):
            inner = ", ".join(self.code(item) for item in value)
            return f"[{inner}]" if isinstance(value, list) else f"({inner},)" if len(value) == 1 else f"({inner})"
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.code(key)}: {self.code(item)}" for key, item in value.items()) + "}"
        if isinstance(value, (set, frozenset)):
            return f"{type(value).__name__}([{', '.join(sorted(self.code(item) for item in value))}])"
        return None

    # -- values of types that we know ------------------------------------------------------------------------------

    def _known(self, value: Any) -> str | None:
        if isinstance(value, (np.ndarray, np.generic)):
            return self._array(value)
        if isinstance(value, Version):
            self.use("from packaging.version import Version")
            return f"Version({str(value)!r})"
        if isinstance(value, PurePath):  # pytest's tmp_path: any empty folder will do
            self.use("import pathlib")
            self.use("import tempfile")
            return "pathlib.Path(tempfile.mkdtemp())"
        if hasattr(value, "profile") and hasattr(value, "supports"):
            return self._subject(value)
        if hasattr(value, "strides") and hasattr(value, "on"):
            return self._recipe(value)
        return self._named(value) if callable(value) or isinstance(value, enum.Enum) else None

    def _array(self, value: np.ndarray | np.generic) -> str:
        self.use("import numpy as np")
        dtype = np.asarray(value).dtype
        if value.size == 0:
            return f"np.empty({value.shape}, {dtype.name!r})"
        text = self.code(value.astype(str).tolist() if dtype == np.longdouble else value.tolist())
        return f"np.array({text}, {dtype.name!r})" if value.ndim else f"np.{dtype.name}({text})"

    def _named(self, value: Any) -> str | None:
        if isinstance(value, enum.Enum):
            return f"{self.code(type(value))}.{value.name}"
        name = getattr(value, "__name__", "")
        for home in HOMES:
            if name and getattr(functools.reduce(getattr, home.split(".")[1:], torch), name, None) is value:
                return f"{home}.{name}"
        if name and getattr(np, name, None) is value:
            self.use("import numpy as np")
            return f"np.{name}"
        module = getattr(value, "__module__", None) or ""
        if getattr(sys.modules.get(module), name, None) is not value:
            return None
        if module.partition(".")[0] in OURS:
            return self.bundle.reference(module, name)
        if module != "builtins":
            self.use(f"import {module}")
        return name if module == "builtins" else f"{module}.{name}"

    # -- what checks are called with -------------------------------------------------------------------------------

    def _subject(self, value: Any) -> str:
        """A namespace with what the check asks its subject for."""
        features = {name: value.has(name) for name in sys.modules["conformance.subject"].FEATURES}
        members: dict[str, Callable[[], str]] = {
            "device": lambda: repr(value.device),
            "name": lambda: repr(value.name),
            "is_cpu": lambda: repr(value.is_cpu),
            "release": lambda: self.code(value.release),
            "supports": lambda: f"{tuple(name for name in DTYPES if value.supports(name))}.__contains__",
            "require": lambda: "lambda dtype: None",
            "has": lambda: f"{features}.get",
            "require_feature": lambda: "lambda feature: None",
        }
        self.use("from types import SimpleNamespace")
        return f"SimpleNamespace({self._members(members, {'device'})})"

    def _recipe(self, value: Any) -> str:
        """The recipe's torch code and facts; or, where the check itself makes recipes, one of the same kind."""
        used = self.bundle.attributes
        if (SUPPORT, "Recipe") in self.bundle.keys or used & {"with_grad", "is_overlapping", "buffer", "fill"}:
            made = self.bundle.reference("properties.strategies.recipe", "Recipe")
            parts = (value.buffer, value.dtype, value.shape, value.strides, value.offset, value.requires_grad)
            return f"{made}({', '.join(self.code(part) for part in parts)})"
        members: dict[str, Callable[[], str]] = {
            "on": lambda: f"lambda subject: {self._torch_code(value)}",
            "code": lambda: f"lambda device='cpu': {value.code()!r}",
        }
        members |= {name: functools.partial(self.code, getattr(value, name)) for name in RECIPE_FACTS}
        if "array" not in used:
            self.use("from types import SimpleNamespace")
            return f"SimpleNamespace({self._members(members, {'on'})})"
        members["values"] = lambda: self._array(value.array)
        return f"{self.bundle.reference(SUPPORT, 'Given')}({self._members(members, {'on', 'values'})})"

    def _torch_code(self, value: Any) -> str:
        text = str(value.code(self.device))
        for name in ("nan", "inf"):
            if name in text:
                self.use(f"from math import {name}")
        if "np." in text:
            self.use("import numpy as np")
        return text

    def _members(self, members: dict[str, Callable[[], str]], always: set[str]) -> str:
        wanted = self.bundle.attributes | always
        return ", ".join(f"{name}={write()}" for name, write in members.items() if name in wanted)


def _number(value: complex) -> str:
    if isinstance(value, complex):
        return f"complex({_number(value.real)}, {_number(value.imag)})"
    return repr(value) if math.isfinite(value) else f"float('{value}')"
