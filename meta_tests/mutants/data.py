"""Wrong datasets, streams and image folders; and how the areas of data make their mutants."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch.utils import data

from meta_tests.mutant import Mutant, patched

collating = data._utils.collate
fetching = data._utils.fetch
Loader = data.DataLoader


def method(claim: str, name: str, owner: Any, attribute: str, wrong: Callable[..., Any]) -> Mutant:
    """Replace a method or function: `wrong(sound, *args, **named)` is called in its place."""
    return patched(claim, name, owner, attribute, lambda sound: lambda *args, **named: wrong(sound, *args, **named))


def result(claim: str, name: str, owner: Any, attribute: str, change: Callable[..., Any]) -> Mutant:
    """Replace what a method returns: `change(result, *args)`."""
    return method(claim, name, owner, attribute, lambda sound, *args, **named: change(sound(*args, **named), *args))


def orders(claim: str, name: str, owner: Any, change: Callable[[list[Any], Any], Any]) -> Mutant:
    """Replace what iterating over a sampler or dataset yields: `change(list, self)`."""
    return method(claim, name, owner, "__iter__", lambda sound, self: iter(change(list(sound(self)), self)))


def batches(claim: str, name: str, change: Callable[[Iterator[Any], Any], Any]) -> Mutant:
    """Replace what iterating over a DataLoader yields: `change(iterator, loader)`."""
    return method(claim, name, Loader, "__iter__", lambda sound, self: iter(change(sound(self), self)))


def listed(change: Callable[[list[Any]], Any]) -> Callable[[Iterator[Any], Any], Any]:
    return lambda iterator, loader: change(list(iterator))


def options(claim: str, name: str, change: Callable[[dict[str, Any]], None], owner: Any = Loader) -> Mutant:
    """A class that reads its keyword arguments wrongly: `change(named)` edits them."""

    def wrong(sound: Any, self: Any, *args: Any, **named: Any) -> None:
        change(named)
        sound(self, *args, **named)

    return method(claim, name, owner, "__init__", wrong)


def without(*keys: str) -> Callable[[dict[str, Any]], None]:
    return lambda named: [named.pop(key, None) for key in keys] and None


def item(claim: str, name: str, owner: Any, change: Callable[..., Any]) -> Mutant:
    """`change(sound, self, index)` is called for dataset[index]."""
    return method(claim, name, owner, "__getitem__", change)


def length(claim: str, name: str, owner: Any, change: Callable[[int, Any], int]) -> Mutant:
    return method(claim, name, owner, "__len__", lambda sound, self: change(sound(self), self))


def lenient(claim: str, name: str, owner: Any, *kinds: type[Exception], attribute: str = "__init__") -> Mutant:
    """What should be refused is taken."""

    def wrong(sound: Any, *args: Any, **named: Any) -> Any:
        try:
            return sound(*args, **named)
        except kinds:
            return None

    return method(claim, name, owner, attribute, wrong)


def swapped(items: list[Any]) -> list[Any]:
    """The last two change places."""
    return [*items[:-2], *items[-2:][::-1]] if len(items) > 1 else items


class Info:
    """What a worker knows about itself, with one field wrong."""

    def __init__(self, info: Any, **wrong: Any) -> None:
        self.__dict__.update(id=info.id, num_workers=info.num_workers, seed=info.seed, dataset=info.dataset)
        self.__dict__.update(wrong)


def info(change: Callable[[Any], dict[str, Any]]) -> Callable[..., Any]:
    def wrong(sound: Any) -> Any:
        info = sound()
        return None if info is None else Info(info, **change(info))

    return wrong


# -- datasets ----------------------------------------------------------------------------------------------------------


def _prepared(sound: Any, self: Any, index: Any) -> Any:
    out = sound(self, index)
    return tuple(x[None] if isinstance(index, int) and x.dim() == 0 else x for x in out)


def _concat_interleaved(sound: Any, self: Any, index: int) -> Any:
    return (
        sound(self, index)
        if len({len(part) for part in self.datasets}) > 1
        else self.datasets[index % len(self.datasets)][index // len(self.datasets)]
    )


def _no_wrap(sound: Any, self: Any, index: Any) -> Any:
    """Negative indices count from the end of the first part."""
    return self.datasets[0][index] if index < 0 and -index <= len(self.datasets[0]) else sound(self, index)


def _clamped(sound: Any, self: Any, index: Any) -> Any:
    return sound(self, max(index, -len(self)))


def _skipping_empty(sound: Any, self: Any, index: Any) -> Any:
    """An empty part in front is taken for one of length 1."""
    return (
        sound(self, index - 1)
        if len(self.datasets) > 2 and len(self.datasets[0]) == 0 and index > 0
        else sound(self, index)
    )


def _copied(sound: Any, self: Any, index: Any) -> Any:
    return tuple(x.clone() for x in sound(self, index))


def _strided_wrong(sound: Any, self: Any, index: Any) -> Any:
    return tuple(
        tensor.contiguous()[0] if not tensor.is_contiguous() and index == 16 else x
        for tensor, x in zip(self.tensors, sound(self, index), strict=True)
    )


def _unpaired(sound: Any, self: Any, index: Any) -> Any:
    out = sound(self, index)
    return (
        out
        if isinstance(index, int) and index != 3
        else (out[0], *(tensor[0] for tensor in self.tensors[1:]))
        if isinstance(index, int)
        else out
    )


def _shorter(sound: Any, self: Any, *tensors: torch.Tensor) -> None:
    """Only the first two lengths are compared."""
    if all(tensor.size(0) == tensors[0].size(0) for tensor in tensors[:2]):
        self.tensors = tensors
    else:
        sound(self, *tensors)


def _split_in_order(sound: Any, dataset: Any, lengths: Any, *args: Any, **named: Any) -> Any:
    parts = sound(dataset, lengths, *args, **named)
    start = 0
    for part in parts:
        part.indices = list(range(start, start + len(part)))
        start += len(part)
    return parts


def _split_overlapping(parts: list[Any], *args: Any) -> list[Any]:
    if len(parts) > 1 and len(parts[0]) and len(parts[-1]) > 1:
        parts[-1].indices = [parts[0].indices[0], *parts[-1].indices[1:]]
    return parts


def _split_sorted(parts: list[Any], *args: Any) -> list[Any]:
    for part in parts:
        part.indices = sorted(part.indices)
    return parts


def _rest_at_the_end(sound: Any, dataset: Any, lengths: Any, *args: Any, **named: Any) -> Any:
    if any(isinstance(x, float) for x in lengths) and abs(sum(lengths) - 1) < 1e-6:
        counts = [int(len(dataset) * x) for x in lengths]
        counts[-1] += len(dataset) - sum(counts)
        lengths = counts
    return sound(dataset, lengths, *args, **named)


def _fills_up(sound: Any, dataset: Any, lengths: Any, *args: Any, **named: Any) -> Any:
    try:
        return sound(dataset, lengths, *args, **named)
    except ValueError:
        return []


def _without_generator(sound: Any, dataset: Any, lengths: Any, generator: Any = None) -> Any:
    return sound(dataset, lengths)


def _reseeding(sound: Any, dataset: Any, lengths: Any, generator: Any = None) -> Any:
    return sound(
        dataset,
        lengths,
        torch.Generator().manual_seed(generator.initial_seed()) if generator else torch.default_generator,
    )


DATASETS = [
    Mutant("data.custom-dataset", "the base class has a length", lambda: _added(data.Dataset, __len__=lambda self: 0)),
    item("data.custom-dataset", "the base class returns None", data.Dataset, lambda sound, self, index: None),
    item(
        "data.getitem-syntax",
        "a TensorDataset answers -1 with its first sample",
        data.TensorDataset,
        lambda sound, self, i: sound(self, 0 if i == -1 else i),
    ),
    length("data.len-syntax", "a Subset counts one more", data.Subset, lambda n, self: n + (n == 7)),
    length(
        "data.len-syntax",
        "a TensorDataset counts elements",
        data.TensorDataset,
        lambda n, self: self.tensors[0].numel(),
    ),
    orders(
        "data.getitem-index-range",
        "indices run from 1 to len",
        data.SequentialSampler,
        lambda found, self: [i + 1 for i in found],
    ),
    orders(
        "data.getitem-index-range",
        "shuffled indices are numpy integers",
        data.RandomSampler,
        lambda found, self: [np.int64(i) for i in found],
    ),
    item("data.one-sample-per-getitem", "numbers come with a batch dimension", data.TensorDataset, _prepared),
    item(
        "data.one-sample-per-getitem",
        "a slice gives its first sample",
        data.TensorDataset,
        lambda sound, self, i: sound(self, i.start or 0) if isinstance(i, slice) else sound(self, i),
    ),
    method(
        "data.list-as-dataset",
        "only Datasets are taken",
        Loader,
        "__init__",
        lambda sound, self, dataset, *args, **named: (
            sound(self, dataset, *args, **named)
            if isinstance(dataset, (data.Dataset, list, tuple, range, dict, torch.Tensor))
            else _refuse(dataset)
        ),
    ),
    item("data.tensordataset", "items are copies", data.TensorDataset, _copied),
    item("data.tensordataset", "item 16 of a strided tensor is its first", data.TensorDataset, _strided_wrong),
    item("data.tensordataset", "items are lists", data.TensorDataset, lambda sound, self, i: list(sound(self, i))),
    method(
        "data.tensordataset-sizes", "only the first two lengths are compared", data.TensorDataset, "__init__", _shorter
    ),
    item("data.tensordataset-keeps-pairs", "sample 3 has the label of the first", data.TensorDataset, _unpaired),
    item("data.concatdataset", "datasets of one length are interleaved", data.ConcatDataset, _concat_interleaved),
    item("data.concatdataset", "an empty part in front counts as one", data.ConcatDataset, _skipping_empty),
    length(
        "data.concatdataset",
        "it is as long as its longest part",
        data.ConcatDataset,
        lambda n, self: max(map(len, self.datasets)),
    ),
    item("data.concatdataset-negative", "they count from the end of the first part", data.ConcatDataset, _no_wrap),
    item("data.concatdataset-negative", "those beyond the beginning give the first item", data.ConcatDataset, _clamped),
    result(
        "data.concatdataset-cumulative-sizes",
        "they begin with 0",
        data.ConcatDataset,
        "__init__",
        lambda out, self, parts: setattr(self, "cumulative_sizes", [0, *self.cumulative_sizes]),
    ),
    lenient("data.concatdataset-refuses", "streams are taken", data.ConcatDataset, AssertionError),
    method(
        "data.dataset-add",
        "the sum puts the second first",
        data.Dataset,
        "__add__",
        lambda sound, a, b: data.ConcatDataset([b, a]),
    ),
    method(
        "data.dataset-add",
        "the sum of streams is a ConcatDataset",
        data.IterableDataset,
        "__add__",
        lambda sound, a, b: sound(b, a),
    ),
    orders(
        "data.chaindataset",
        "the last stream comes first",
        data.ChainDataset,
        lambda found, self: [x for part in self.datasets[::-1] for x in part],
    ),
    length(
        "data.chaindataset",
        "only the first stream counts",
        data.ChainDataset,
        lambda n, self: len(self.datasets[0]) if self.datasets else 0,
    ),
    method(
        "data.chaindataset-refuses",
        "map-style datasets are left out",
        data.ChainDataset,
        "__iter__",
        lambda sound, self: iter([x for part in self.datasets if isinstance(part, data.IterableDataset) for x in part]),
    ),
    item(
        "data.subset", "indices are sorted", data.Subset, lambda sound, self, i: self.dataset[sorted(self.indices)[i]]
    ),
    method(
        "data.subset",
        "in batches repeated indices are skipped",
        data.Subset,
        "__getitems__",
        lambda sound, self, indices: [self.dataset[i] for i in dict.fromkeys(self.indices[i] for i in indices)],
    ),
    item(
        "data.stackdataset",
        "samples are lists",
        data.StackDataset,
        lambda sound, self, i: list(sound(self, i)) if isinstance(self.datasets, tuple) else sound(self, i),
    ),
    method(
        "data.stackdataset",
        "batches are in reverse order",
        data.StackDataset,
        "__getitems__",
        lambda sound, self, indices: sound(self, indices)[::-1],
    ),
    lenient("data.stackdataset-refuses", "different lengths are taken", data.StackDataset, ValueError),
    method("data.random-split", "the parts come in the given order", data, "random_split", _split_in_order),
    result("data.random-split", "two parts overlap", data, "random_split", _split_overlapping),
    result("data.random-split", "the indices of each part are sorted", data, "random_split", _split_sorted),
    method("data.random-split-fractions", "the last part gets the whole rest", data, "random_split", _rest_at_the_end),
    method("data.random-split-generator", "the generator is ignored", data, "random_split", _without_generator),
    method("data.random-split-generator", "the generator stands still", data, "random_split", _reseeding),
    method("data.random-split-refuses", "other lengths give no parts", data, "random_split", _fills_up),
]


def _added(owner: Any, **members: Any) -> Any:
    import contextlib

    @contextlib.contextmanager
    def change() -> Iterator[None]:
        for name, member in members.items():
            setattr(owner, name, member)
        try:
            yield
        finally:
            for name in members:
                delattr(owner, name)

    return change()


def _refuse(dataset: Any) -> None:
    raise TypeError(f"{type(dataset).__name__} is no Dataset")


# -- streams -----------------------------------------------------------------------------------------------------------

Streams = fetching._IterableDatasetFetcher


def _dropping_always(sound: Any, self: Any, index: Any) -> Any:
    """The last batch is always dropped if it is not whole."""
    self.drop_last = self.drop_last or self.dataset.__class__.__name__ == "Stream"
    return sound(self, index)


def _never_dropping(sound: Any, self: Any, index: Any) -> Any:
    self.drop_last = False
    return sound(self, index)


def _once(sound: Any, loader: Any) -> Any:
    """With workers a stream is only read by the first."""
    found = list(sound(loader))
    if isinstance(loader.dataset, data.IterableDataset) and loader.num_workers > 1:
        return iter(found[:: loader.num_workers])
    return iter(found)


def _one_after_the_other(sound: Any, loader: Any) -> Any:
    """The workers do not take turns."""
    found = list(sound(loader))
    if isinstance(loader.dataset, data.IterableDataset) and loader.num_workers > 1:
        return iter([batch for start in range(loader.num_workers) for batch in found[start :: loader.num_workers]])
    return iter(found)


def _estimated(sound: Any, self: Any) -> int:
    try:
        return sound(self)
    except TypeError:
        return 0


STREAMS = [
    method("data.iterabledataset", "an incomplete batch is always dropped", Streams, "fetch", _dropping_always),
    method("data.iterabledataset", "an incomplete batch is never dropped", Streams, "fetch", _never_dropping),
    method("data.iterabledataset-workers-repeat", "only the first worker reads", Loader, "__iter__", _once),
    method("data.iterabledataset-split", "the workers take no turns", Loader, "__iter__", _one_after_the_other),
    method(
        "data.iterabledataset-split",
        "every worker takes itself for the first",
        data,
        "get_worker_info",
        info(lambda info: {"id": 0}),
    ),
    lenient("data.iterabledataset-refuses", "anything is taken", Loader, ValueError),
    options("data.iterabledataset-refuses", "shuffle is ignored", without("shuffle")),
    length(
        "data.iterabledataset-length",
        "drop_last does not count",
        Loader,
        lambda n, self: -(-len(self.dataset) // self.batch_size) if self.batch_size else n,
    ),
    method("data.iterabledataset-length", "without a length it is 0", Loader, "__len__", _estimated),
]


# -- images ------------------------------------------------------------------------------------------------------------


def _folder(attribute: str, wrong: Callable[..., Any]) -> Callable[[], Any]:
    """A method of torchvision's ImageFolder: `wrong(sound, *args, **named)`."""

    def change() -> Any:
        from conformance.test_data_images import datasets
        from meta_tests.mutant import replaced

        owner = datasets().ImageFolder
        return replaced(owner, attribute, lambda sound: lambda *args, **named: wrong(sound, *args, **named))

    return change


def _augmented_twice(n: int, dataset: Any) -> int:
    return n * 2 if hasattr(dataset, "rows") else n


class Cached:
    """A sample is fetched once and kept."""

    def __call__(self, sound: Any, self_: Any, index: Any) -> Any:
        dataset = self_.dataset
        if not hasattr(dataset, "rows"):
            return sound(self_, index)
        kept = dataset.__dict__.setdefault("kept", {})
        for i in index:
            if i not in kept:
                kept[i] = dataset[i]
        return self_.collate_fn([kept[i] for i in index])


def _flipped_alike(sound: Any, self: Any, index: Any) -> Any:
    """All samples of a batch meet the same random numbers."""
    if not hasattr(self.dataset, "rows"):
        return sound(self, index)
    state, samples = torch.get_rng_state(), []
    for i in index:
        torch.set_rng_state(state)
        samples.append(self.dataset[i])
    return self.collate_fn(samples)


def _reversed_images(sound: Any, self: Any, directory: str, *args: Any, **named: Any) -> Any:
    classes = sound(self, directory, *args, **named)[0][::-1]
    return classes, {name: place for place, name in enumerate(classes)}


def _from_one_class(sound: Any, self: Any, directory: str, *args: Any, **named: Any) -> Any:
    classes, index = sound(self, directory, *args, **named)
    return classes, {name: place + 1 for name, place in index.items()}


def _empty_too(sound: Any, *args: Any, **named: Any) -> Any:
    """Folders without images are allowed, whatever is asked for."""
    return sound(*args[1:5], **{**named, "allow_empty": True})


def _untransformed(sound: Any, self: Any, index: int) -> Any:
    kept, self.transform = self.transform, self.transform if index != 4 else None
    try:
        return sound(self, index)
    finally:
        self.transform = kept


def _no_targets(sound: Any, self: Any, index: int) -> Any:
    image, label = sound(self, index)
    return image, label - 10 if self.target_transform is not None else label


def _as_tensor(sound: Any, self: Any, index: int) -> Any:
    image, label = sound(self, index)
    return (torch.zeros(3, 3, 4) if self.transform is None else image), label


def _unconverted(sound: Any, self: Any, index: int) -> Any:
    image, label = sound(self, index)
    return (image.convert("L") if self.transform is None else image), label


def _one_more_length(sound: Any, self: Any) -> int:
    return len(self.classes)


IMAGES = [
    method(
        "data.augmentation-keeps-size",
        "samples are kept as they were augmented first",
        fetching._MapDatasetFetcher,
        "fetch",
        Cached(),
    ),
    length(
        "data.augmentation-keeps-size",
        "a loader counts each sample twice",
        Loader,
        lambda n, self: _augmented_twice(n, self.dataset),
    ),
    method(
        "data.augmentation-picks-from-batch",
        "a batch is augmented alike",
        fetching._MapDatasetFetcher,
        "fetch",
        _flipped_alike,
    ),
    orders(
        "data.transform-dataset-pipeline",
        "a batch larger than the dataset is filled up",
        data.BatchSampler,
        lambda found, self: [(found[0] * self.batch_size)[: self.batch_size]] if len(found) == 1 else found,
    ),
    method(
        "data.transform-dataset-pipeline",
        "a batch larger than the dataset is dropped",
        Loader,
        "__iter__",
        lambda sound, self: iter([] if self.batch_size == 64 else list(sound(self))),
    ),
    method("data.len-of-shape-bug", "a loader without a length has none", Loader, "__len__", _estimated),
    method(
        "data.len-of-shape-bug",
        "the order needs no length",
        data.SequentialSampler,
        "__iter__",
        lambda sound, self: iter(range(8)) if hasattr(self.data_source, "data") else sound(self),
    ),
    method("data.transform-defined-in-class-body", "a loader has no length", Loader, "__len__", lambda sound, self: 0),
    Mutant("data.imagefolder-class-folders", "labels begin at 1", _folder("find_classes", _from_one_class)),
    Mutant(
        "data.imagefolder-class-folders", "a folder without images has no samples", _folder("make_dataset", _empty_too)
    ),
    Mutant(
        "data.imagefolder-classes-attribute", "classes are in reverse order", _folder("find_classes", _reversed_images)
    ),
    Mutant("data.imagefolder-transform", "item 4 is not transformed", _folder("__getitem__", _untransformed)),
    Mutant("data.imagefolder-transform", "labels are not transformed", _folder("__getitem__", _no_targets)),
    Mutant("data.dataset-length", "it is the number of classes", _folder("__len__", _one_more_length)),
    Mutant("data.torchvision-returns-pil", "tensors come by default", _folder("__getitem__", _as_tensor)),
    Mutant("data.torchvision-returns-pil", "images are grey", _folder("__getitem__", _unconverted)),
]

MUTANTS = [*DATASETS, *STREAMS, *IMAGES]
