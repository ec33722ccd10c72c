"""Wrong pruning: other weights than the smallest, in another place, or of another extent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.nn.utils import prune

from meta_tests.mutant import Mutant
from meta_tests.mutants.module import method

_SMALLEST, _RANDOM, _SEVERAL = "module.prune", "module.prune-random", "module.prune-global"
_WAYS, _Way, _Container = "module.prune-methods", prune.BasePruningMethod, prune.PruningContainer


def way(claim: str, name: str, attribute: str, wrong: Callable[..., Any]) -> Mutant:
    """Replace a function of torch.nn.utils.prune."""
    return method(claim, name, attribute, wrong, prune)


def _ln(change: Callable[..., tuple]) -> Callable[..., Any]:
    """ln_structured with other arguments: `change(amount, n, dim, scores)`."""
    return lambda sound, layer, name, amount, n, dim, importance_scores=None: sound(
        layer, name, *change(amount, n, dim, importance_scores)
    )


def _first(sound: Any, layer: Any, name: str, amount: Any, dim: int = 0) -> Any:
    """The first channels, or the first weights of a vector."""
    tensor = getattr(layer, name)
    count = amount if isinstance(amount, int) else round(amount * tensor.shape[dim])
    mask = torch.ones_like(tensor)
    mask.narrow(dim, 0, count).zero_()
    return prune.custom_from_mask(layer, name, mask)


def _forgets(sound: Any, layer: Any, name: str, mask: Any) -> Any:
    if hasattr(layer, f"{name}_mask"):
        getattr(layer, f"{name}_mask").fill_(1)
    return sound(layer, name, mask)


def _not_kept(sound: Any, layer: Any, name: str) -> Any:
    sound(layer, name)
    layer._non_persistent_buffers_set.add(f"{name}_mask")
    return layer


def _one_by_one(sound: Any, parameters: Any, pruning_method: Any, importance_scores: Any = None, **named: Any) -> None:
    for layer, name in parameters:
        pruning_method.apply(layer, name, **named)


def _any_kind(sound: Any, *args: Any, **named: Any) -> Any:
    try:
        return sound(*args, **named)
    except TypeError:
        return None


def _any_name(sound: Any, self: Any, method: Any) -> None:
    if method is not None and len(self) and isinstance(method, _Way):
        self._pruning_methods += (method,)
    else:
        sound(self, method)


MUTANTS = [
    way(
        _SMALLEST,
        "l1_unstructured ignores the scores",
        "l1_unstructured",
        lambda sound, layer, name, amount, importance_scores=None: sound(layer, name, amount),
    ),
    way(
        _SMALLEST,
        "l1_unstructured takes negative numbers for the smallest",
        "l1_unstructured",
        lambda sound, layer, name, amount, importance_scores=None: sound(
            layer,
            name,
            amount,
            getattr(layer, name).detach() + 100 if importance_scores is None else importance_scores,
        ),
    ),
    way(
        _SMALLEST,
        "ln_structured ignores the scores",
        "ln_structured",
        _ln(lambda amount, n, dim, scores: (amount, n, dim)),
    ),
    way(
        _SMALLEST,
        "ln_structured always takes the norm of order 2",
        "ln_structured",
        _ln(lambda amount, n, dim, scores: (amount, 2, dim, scores)),
    ),
    way(
        _SMALLEST,
        "ln_structured takes every negative dim for the last",
        "ln_structured",
        _ln(lambda amount, n, dim, scores: (amount, n, max(dim, -1), scores)),
    ),
    way(_SMALLEST, "a second custom_from_mask takes the place of the first", "custom_from_mask", _forgets),
    way(
        _SMALLEST,
        "identity names the weight, whichever parameter it is told",
        "identity",
        lambda sound, layer, name: sound(layer, "weight"),
    ),
    way(_SMALLEST, "the mask of identity is not in the state", "identity", _not_kept),
    way(
        _SMALLEST,
        "is_pruned does not look into submodules",
        "is_pruned",
        lambda sound, layer: sound(layer) and not list(layer.children()),
    ),
    way(
        _RANDOM,
        "random_structured always goes along the first dimension",
        "random_structured",
        lambda sound, layer, name, amount, dim: sound(layer, name, amount, 0),
    ),
    way(_RANDOM, "random_structured masks the first channels", "random_structured", _first),
    way(
        _RANDOM,
        "random_structured masks single weights",
        "random_structured",
        lambda sound, layer, name, amount, dim: prune.random_unstructured(layer, name, amount),
    ),
    way(_RANDOM, "random_unstructured masks the first weights", "random_unstructured", _first),
    way(_SEVERAL, "global_unstructured prunes each tensor by itself", "global_unstructured", _one_by_one),
    way(
        _SEVERAL,
        "global_unstructured prunes the first tensor only",
        "global_unstructured",
        lambda sound, parameters, *args, **named: sound(list(parameters)[:1], *args, **named),
    ),
    way(
        _SEVERAL,
        "global_unstructured ignores the scores",
        "global_unstructured",
        lambda sound, parameters, pruning_method, importance_scores=None, **named: sound(
            parameters, pruning_method, None, **named
        ),
    ),
    way(_SEVERAL, "global_unstructured takes anything", "global_unstructured", _any_kind),
    method(
        _WAYS,
        "prune(t) starts from no mask",
        "prune",
        lambda sound, self, t, default_mask=None, importance_scores=None: sound(self, t, None, importance_scores),
        _Way,
    ),
    method(
        _WAYS,
        "prune(t) ignores the scores",
        "prune",
        lambda sound, self, t, default_mask=None, importance_scores=None: sound(self, t, default_mask),
        _Way,
    ),
    method(_WAYS, "a container has the length 1", "__len__", lambda sound, self: 1, _Container),
    method(_WAYS, "a container takes methods of other tensors", "add_pruning_method", _any_name, _Container),
    method(
        _WAYS,
        "a container forgets what its earlier methods masked",
        "compute_mask",
        lambda sound, self, t, default_mask: sound(self, t, torch.ones_like(default_mask)),
        _Container,
    ),
]
