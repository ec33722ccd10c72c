"""Importing torchvision where its compiled operators do not load beside this build of PyTorch."""

from __future__ import annotations

import functools
from types import ModuleType

import torch

from conformance.subject import Unsupported

# What torchvision registers Python kernels for at import, and expects its compiled part to have declared.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)
_declared: list[torch.library.Library] = []  # a declaration lasts as long as its library object


@functools.cache
def torchvision() -> ModuleType:
    """The module torchvision; its missing operator schemas are declared first if need be.

    Raises Unsupported where it is not installed or cannot be imported at all.
    """
    try:
        return _imported()
    except RuntimeError:
        declare()
    except ImportError as error:
        raise Unsupported(f"no torchvision here: {error}") from None
    try:
        return _imported()
    except Exception as error:
        raise Unsupported(f"torchvision does not import: {type(error).__name__}: {error}") from None


def declare() -> None:
    """Declare the operator schemas, without kernels: calling one of them still fails."""
    library = torch.library.Library("torchvision", "DEF")
    for schema in SCHEMAS:
        library.define(schema)
    _declared.append(library)


def declared() -> bool:
    """Whether the schemas had to be declared: then torchvision's compiled operators are not judged."""
    return bool(_declared)


def _imported() -> ModuleType:
    import torchvision
    import torchvision.transforms

    return torchvision
