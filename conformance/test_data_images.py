"""Augmentation, the note's dataset, and torchvision's image folders, by example. Images are made here."""

from __future__ import annotations

import contextlib
import tempfile
import textwrap
from pathlib import Path

import numpy as np
import torch
from torch.utils import data

from conformance import effort, host
from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.chance import assert_shares
from conformance.check import check, must_answer
from conformance.tables.data_samples import Squares, assert_is, plain
from conformance.vision import torchvision

pytestmark = must_answer


# -- augmentation ------------------------------------------------------------------------------------------------------


class Flipped(data.Dataset):
    """The rows of a tensor, each reversed with probability 1/2 at every access."""

    def __init__(self, rows):
        self.rows = rows

    def __len__(self):
        return len(self.rows)

    def __getitem__(self, index):
        row = self.rows[index]
        return (row.flip(0), 1) if torch.rand(()) < 0.5 else (row, 0)


@check("data.augmentation-keeps-size")
def test_augmentation_changes_samples_not_their_number(subject):
    rows = torch.arange(24.0).reshape(12, 2)
    made = Flipped(rows)
    plain_rows = data.TensorDataset(rows)
    assert_is("lengths", (len(made), len(plain_rows)), (12, 12))
    loader = data.DataLoader(made, 5)
    assert_is("batches", len(loader), 3)
    epochs = []
    for _ in range(6):
        batches = list(loader)
        assert_is("sizes of the batches", [len(flags) for _, flags in batches], [5, 5, 2])
        epochs.append(tuple(flag for _, flags in batches for flag in plain(flags)))
        values = torch.cat([x for x, _ in batches])
        assert_values("the sums of the rows", values.sum(1), host.array(rows).sum(1))
    require(len(set(epochs)) > 1, "six epochs were augmented alike")
    both = data.ConcatDataset([made, plain_rows])
    assert_is("length of both together", len(both), 24)
    assert_values("item 15 of both", both[15][0], host.array(rows[3]))
    each = {made[3][1] for _ in range(40)}
    assert_is("what forty accesses of one item gave", each, {0, 1})


@check("data.augmentation-picks-from-batch")
def test_each_sample_is_augmented_on_its_own(subject):
    count = effort.scaled(2000, 600)
    loader = data.DataLoader(Flipped(torch.arange(8.0).reshape(4, 2)), 4)
    codes, sizes = [], []
    for _ in range(count // 4):
        for rows, flags in loader:
            flags = plain(flags)
            codes.append(sum(flag << place for place, flag in enumerate(flags)))
            sizes += [flags[0]]
            first = host.array(rows)[:, 0]
            assert_is("the rows follow their own flags", [int(x % 2) for x in first], flags)
    assert_shares("which of four samples are flipped", np.array(codes), 0, np.full(16, 1 / 16))
    seen = []
    recording = _Recording(seen)
    next(iter(data.DataLoader(recording, 4)))
    assert_is("what the transform was given", seen, [0, 1, 2, 3])


class _Recording(data.Dataset):
    """Writes down what its transform is given."""

    def __init__(self, seen):
        self.seen = seen

    def __len__(self):
        return 8

    def __getitem__(self, index):
        self.seen.append(index)
        return index


# -- the note's dataset ------------------------------------------------------------------------------------------------

NOTE = """
class experimental_dataset(Dataset):
    def __init__(self, data, transform):
        self.data = data
        self.transform = transform

    def __len__(self):
        return {length}

    def __getitem__(self, idx):
        item = self.data[idx]
        item = self.transform(item)
        return item
{indent}transform = {transform}

x = torch.arange(32.0).reshape(8, 1, 2, 2)
train_data = experimental_dataset(x, transform)
"""


def note(length="len(self.data)", transform="lambda item: -item", indent="", **names):
    """The names that the note's block defines."""
    names = {"Dataset": data.Dataset, "torch": torch, **names}
    text = textwrap.dedent(NOTE).format(length=length, transform=transform, indent=indent)
    exec(compile(text, "note", "exec"), names)
    return names


@check("data.transform-dataset-pipeline")
def test_the_mended_dataset_gives_one_batch(subject):
    for shuffle in (False, True):
        made = note()
        loader = data.DataLoader(made["train_data"], batch_size=64, shuffle=shuffle, num_workers=0)
        found = list(loader)
        assert_is("number of batches, length", (len(found), len(loader)), (1, 1))
        assert_tensor("the batch", found[0], "float32", (8, 1, 2, 2))
        rows = host.array(found[0]).reshape(8, 4)
        due = -np.arange(32.0).reshape(8, 4)
        assert_is("its rows", sorted(map(tuple, rows)), sorted(map(tuple, due)))
        require(shuffle or (rows == due).all(), "the rows come in another order")


@check("data.transform-dataset-pipeline")
def test_the_mended_dataset_with_torchvision(subject):
    transforms = torchvision().transforms
    text = "transforms.Compose([transforms.ToPILImage(), transforms.RandomHorizontalFlip(), transforms.ToTensor()])"
    made = note(transform=text, transforms=transforms)["train_data"]
    made.data = torch.arange(32, dtype=torch.uint8).reshape(8, 1, 2, 2)
    batch = next(iter(data.DataLoader(made, batch_size=64)))
    assert_tensor("the batch", batch, "float32", (8, 1, 2, 2))
    rows = (host.array(batch) * 255).round().astype(int)
    for place, row in enumerate(rows):
        given = np.arange(4 * place, 4 * place + 4).reshape(1, 2, 2)
        require((row == given).all() or (row == given[..., ::-1]).all(), f"image {place} is {row.tolist()}")


@check("data.len-of-shape-bug")
def test_len_of_a_number_is_an_error(subject):
    broken = note("len(self.data.shape[0])")["train_data"]
    assert_raises("len(dataset)", TypeError, lambda: len(broken))
    assert_raises("a loader over it", TypeError, lambda: list(data.DataLoader(broken, 64)))
    assert_raises("len of the loader", TypeError, lambda: len(data.DataLoader(broken, 64)))
    assert_raises("a shuffling loader over it", TypeError, lambda: list(data.DataLoader(broken, 64, shuffle=True)))
    for length in ("len(self.data)", "self.data.shape[0]"):
        made = note(length)["train_data"]
        assert_is("the mended length, batches", (len(made), len(list(data.DataLoader(made, 3)))), (8, 3))


@check("data.transform-defined-in-class-body")
def test_a_name_of_the_class_body_is_no_name_of_the_module(subject):
    error = assert_raises("the block as printed", NameError, lambda: note(indent="    "))
    require("transform" in str(error), f"the error says {error}")
    names = {}
    with contextlib.suppress(NameError):
        names = note(indent="    ", transform="str")
    require("transform" not in names, "transform is a name of the module")
    assert_is("length of the mended dataset", len(data.DataLoader(note()["train_data"])), 8)


# -- image folders -----------------------------------------------------------------------------------------------------

CLASSES = {"zebra": 2, "ant": 3, "bee": 1}


def colour(label, place):
    """A colour of its own for each image."""
    return 40 * label + 5, 60 * place + 3, 7


@contextlib.contextmanager
def folders(classes=CLASSES, mode="RGB"):
    """A folder with one folder per class, whose images are 4 pixels wide, 3 high and of one colour each."""
    torchvision()
    from PIL import Image

    with tempfile.TemporaryDirectory() as root:
        for name, count in classes.items():
            (Path(root) / name).mkdir()
            for place in range(count):
                image = Image.new("RGB", (4, 3), colour(sorted(classes).index(name), place))
                image.convert(mode).save(Path(root) / name / f"image{place}.png")
        yield Path(root)


def datasets():
    """torchvision.datasets."""
    from importlib import import_module

    torchvision()
    return import_module("torchvision.datasets")


@check("data.imagefolder-class-folders")
def test_folders_are_classes(subject):
    with folders() as root:
        (root / "ant" / "notes.txt").write_text("no image")
        (root / "readme.md").write_text("no class")
        (root / "zebra" / "deeper").mkdir()
        (root / "zebra" / "image0.png").rename(root / "zebra" / "deeper" / "image0.png")
        made = datasets().ImageFolder(str(root))
        found = [(image.getpixel((0, 0)), label) for image, label in made]
    due = [
        (colour(0, 0), 0),
        (colour(0, 1), 0),
        (colour(0, 2), 0),
        (colour(1, 0), 1),
        (colour(2, 0), 2),
        (colour(2, 1), 2),
    ]
    assert_is("the images with their labels", sorted(found), due)
    assert_is("targets", made.targets, [0, 0, 0, 1, 2, 2])
    assert_is("labels in samples", [label for _, label in made.samples], made.targets)
    require(all(type(label) is int for _, label in found), "a label is no int")


@check("data.imagefolder-class-folders")
def test_folders_without_images_are_refused(subject):
    make = datasets().ImageFolder
    with folders() as root:
        (root / "empty").mkdir()
        assert_raises("ImageFolder with an empty class folder", FileNotFoundError, lambda: make(root))
        (root / "empty" / "notes.txt").write_text("no image")
        assert_raises("with a class folder without images", FileNotFoundError, lambda: make(root))
        assert_raises("of a folder without class folders", FileNotFoundError, lambda: make(root / "ant"))
        assert_raises("of a folder that is not there", FileNotFoundError, lambda: make(root / "none"))


@check("data.imagefolder-classes-attribute")
def test_classes_are_sorted_names(subject):
    for classes in (CLASSES, {"b": 1, "a": 1, "10": 1, "9": 1, "Z": 1}):
        with folders(classes) as root:
            made = datasets().ImageFolder(root)
            assert_is("classes", made.classes, sorted(classes))
            assert_is("class_to_idx", made.class_to_idx, {name: place for place, name in enumerate(sorted(classes))})
            for path, label in made.samples:
                assert_is("the class of a sample", made.classes[label], Path(path).parent.name)


@check("data.imagefolder-transform")
def test_the_transform_is_applied_at_each_access(subject):
    calls = []
    with folders() as root:
        made = datasets().ImageFolder(root, lambda image: calls.append(image) or ("changed", image.size))
        assert_is("calls before an access", calls, [])
        assert_is("an item", made[4], (("changed", (4, 3)), 2))
        made[4]
        assert_is("calls after two accesses", len(calls), 2)
        labelled = datasets().ImageFolder(root, target_transform=lambda label: 10 + label)
        assert_is("labels", [labelled[place][1] for place in range(6)], [10, 10, 10, 11, 12, 12])
        tensors = datasets().ImageFolder(root, transform=torchvision().transforms.ToTensor())
        inputs, labels = next(iter(data.DataLoader(tensors, batch_size=6)))
    assert_tensor("a batch", inputs, "float32", (6, 3, 3, 4))
    due = [colour(0, 0), colour(0, 1), colour(0, 2), colour(1, 0), colour(2, 0), colour(2, 1)]
    assert_values("its colours", (inputs[:, :, 1, 2] * 255).round(), np.array(due, np.float32))
    assert_values("its labels", labels, np.array([0, 0, 0, 1, 2, 2]))


@check("data.dataset-length")
def test_the_length_is_the_number_of_images(subject):
    for classes in (CLASSES, {"only": 1}, {"a": 5, "b": 4}):
        with folders(classes) as root:
            assert_is(f"length with {classes}", len(datasets().ImageFolder(root)), sum(classes.values()))
            first = root / min(classes)
            (first / "notes.txt").write_text("no image")
            (first / "deep" / "er").mkdir(parents=True)
            (first / "image0.png").rename(first / "deep" / "er" / "again.PNG")
            made = datasets().ImageFolder(root)
            assert_is("length with a nested folder", len(made), sum(classes.values()))
            assert_is("batches of two", len(data.DataLoader(made, 2)), -(-len(made) // 2))
    splits = data.random_split(Squares(10), [7, 3])
    assert_is("lengths of splits", [len(part) for part in splits], [7, 3])


@check("data.torchvision-returns-pil")
def test_images_come_as_rgb_pictures(subject):
    torchvision()
    from PIL import Image

    for mode in ("RGB", "L", "RGBA", "P"):
        with folders({"a": 2, "b": 1}, mode) as root:
            made = datasets().ImageFolder(root)
            for place in range(3):
                image = made[place][0]
                require(isinstance(image, Image.Image), f"an image is a {type(image).__name__}")
                assert_is("mode, size", (image.mode, image.size), ("RGB", (4, 3)))
            if mode in ("RGB", "RGBA"):
                assert_is("a colour", made[1][0].getpixel((3, 2)), colour(0, 1))
    fake = datasets().FakeData(3, (3, 5, 4), 10)
    require(isinstance(fake[0][0], Image.Image) and fake[0][0].size == (4, 5), "an image of FakeData is none")
    assert_is("length of FakeData", len(fake), 3)
