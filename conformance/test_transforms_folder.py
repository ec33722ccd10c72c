"""ImageFolder and DatasetFolder over small pictures that the checks write themselves."""

from __future__ import annotations

import contextlib
import importlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from conformance.assertions import assert_raises, assert_tensor, assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import ROUNDED
from conformance.tables.transforms_samples import BANDS, assert_image, numbers, picture, pixels, transforms
from conformance.vision import torchvision

pytestmark = must_answer

ENDINGS = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
# Files of a tree, out of order; a file's picture is numbered by its place here.
TREE = (
    "dog/b.png",
    "cat/z.png",
    "dog/a.png",
    "Zebra/10.png",
    "Zebra/9.png",
    "cat/nested/deep/c.png",
    "cat/nested/a.png",
    "cat/a.PNG",
    "ant/only.bmp",
    "dog/.hidden.png",
)
CLASSES = ["Zebra", "ant", "cat", "dog"]
SORTED = (
    ("Zebra/10.png", 0),
    ("Zebra/9.png", 0),
    ("ant/only.bmp", 1),
    ("cat/a.PNG", 2),
    ("cat/z.png", 2),
    ("cat/nested/a.png", 2),
    ("cat/nested/deep/c.png", 2),
    ("dog/.hidden.png", 3),
    ("dog/a.png", 3),
    ("dog/b.png", 3),
)


def folders() -> Any:
    torchvision()
    return importlib.import_module("torchvision.datasets")


def contents(name: str, tree: tuple[str, ...] = TREE) -> np.ndarray:
    """The values of a file's picture."""
    return numbers((3, 3, 4 + tree.index(name) % 3), seed=tree.index(name))


@contextlib.contextmanager
def planted(tree: tuple[str, ...] = TREE, others: tuple[str, ...] = (), empty: tuple[str, ...] = ()) -> Iterator[str]:
    """A root with pictures, other files that hold text, and empty folders."""
    with tempfile.TemporaryDirectory() as root:
        for name in (*tree, *others, *(f"{folder}/x" for folder in empty)):
            (Path(root) / name).parent.mkdir(parents=True, exist_ok=True)
        for name in tree:
            picture(contents(name, tree), "RGB").save(Path(root) / name, "BMP" if name.endswith("bmp") else "PNG")
        for name in others:
            (Path(root) / name).write_text("no picture", encoding="utf-8")
        yield root


def same(what: str, found: Any, expected: Any) -> None:
    require(found == expected, f"{what} is {found}, but should be {expected}", expected, found)


@check("transforms.image-folder-classes")
def test_the_classes_are_the_sorted_folders(subject):
    with planted(others=("readme.png", "notes.txt", "cat/labels.txt")) as root:
        for given in (root, root + os.sep):
            data = folders().ImageFolder(given)
            same("classes", data.classes, CLASSES)
            same("class_to_idx", data.class_to_idx, {name: number for number, name in enumerate(CLASSES)})
            same("len", len(data), len(TREE))
    many = tuple(f"{(7 * n) % 23}/a.png" for n in range(23))
    with planted(many) as root:
        data = folders().ImageFolder(root)
        same("classes", data.classes, sorted(str(n) for n in range(23)))
        same("targets", data.targets, list(range(23)))


@check("transforms.image-folder-classes")
def test_a_root_without_folders_is_refused(subject):
    make = folders().ImageFolder
    with planted(("a.png",)) as root:
        assert_raises("ImageFolder of a root without folders", FileNotFoundError, lambda: make(root))
        missing = os.path.join(root, "missing")
        assert_raises("ImageFolder of a missing root", FileNotFoundError, lambda: make(missing))


@check("transforms.image-folder-samples")
def test_the_samples_come_class_by_class(subject):
    with planted(others=("cat/labels.txt", "dog/c.png.bak")) as root:
        data = folders().ImageFolder(root)
        expected = [(os.path.join(root, *name.split("/")), number) for name, number in SORTED]
        same("samples", data.samples, expected)
        same("imgs", data.imgs, expected)
        same("targets", data.targets, [number for _, number in SORTED])
        same("len", len(data), len(SORTED))
        for place, (name, number) in enumerate(SORTED):
            image, target = data[place]
            assert_image(f"data[{place}]", image, contents(name), "RGB")
            same(f"the class of data[{place}]", target, number)


@check("transforms.image-folder-extensions")
def test_the_endings_of_pictures_in_any_case(subject):
    names = [f"a/{n}{ending}" for n, ending in enumerate(ENDINGS)]
    names += [f"a/x{n}{ending.upper()}" for n, ending in enumerate(ENDINGS)] + ["b/only.Png"]
    others = ("a/note.txt", "a/jpg", "a/picture.gif", "a/a.png.txt", "a/b.npy", "a/c.svg")
    with planted(others=(*names, *others), tree=()) as root:
        data = folders().ImageFolder(root)
        found = sorted(os.path.relpath(path, root).replace(os.sep, "/") for path, _ in data.samples)
        same("files", found, sorted(names))


@check("transforms.image-folder-loader")
def test_an_item_is_a_picture_of_three_channels(subject):
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "a"))
        expected = []
        for number, mode in enumerate(("RGB", "L", "RGBA", "LA", "P")):
            image = picture(numbers((BANDS[mode], 4, 5), seed=number), mode)
            image.save(os.path.join(root, "a", f"{number}.png"))
            expected.append(pixels(image.convert("RGB")))
        data = folders().ImageFolder(root)
        for _ in range(2):
            for place, values in enumerate(expected):
                item = data[place]
                require(isinstance(item, tuple) and len(item) == 2, f"data[{place}] is no pair", "a pair", repr(item))
                assert_image(f"data[{place}]", item[0], values, "RGB")
                same(f"the class of data[{place}]", item[1], 0)
        paths = [path for path, _ in data.samples]
        named = folders().ImageFolder(root, loader=lambda path: ("loaded", path))
        same("items of another loader", [named[n][0] for n in range(5)], [("loaded", path) for path in paths])


@check("transforms.image-folder-transforms")
def test_pictures_and_classes_are_transformed(subject):
    T = transforms()
    with planted() as root:
        data = folders().ImageFolder(root, transform=T.ToTensor(), target_transform=lambda number: 100 - number)
        for place, (name, number) in enumerate(SORTED):
            image, target = data[place]
            assert_values(f"data[{place}]", image, contents(name) / 255, ROUNDED, dtype="float32")
            same(f"the class of data[{place}]", target, 100 - number)
        calls: list[int] = []
        counted = folders().ImageFolder(root, lambda image: calls.append(1) or image)
        same("calls of transform before an item is asked for", len(calls), 0)
        for _ in range(3):
            counted[4]
        same("calls of transform after three items", len(calls), 3)
        same("targets, untransformed", data.targets, [number for _, number in SORTED])


@check("transforms.image-folder-transforms")
def test_a_loader_of_batches_reads_a_folder(subject):
    T = transforms()
    tree = tuple(f"{name}/{n}.png" for name in ("ants", "bees") for n in range(3))
    with planted(tree) as root:
        chain = T.Compose([T.CenterCrop(3), T.ToTensor()])
        data = folders().ImageFolder(root, chain)
        batches = list(torch.utils.data.DataLoader(data, batch_size=4))
        same("sizes of batches", [len(labels) for _, labels in batches], [4, 2])
        assert_tensor("a batch of pictures", batches[0][0], "float32", (4, 3, 3, 3))
        assert_values("labels", torch.cat([labels for _, labels in batches]), [0, 0, 0, 1, 1, 1], dtype="int64")
        for place, image in enumerate(torch.cat([images for images, _ in batches])):
            assert_values(f"picture {place}", image, chain(picture(contents(tree[place], tree), "RGB")).numpy())


@check("transforms.image-folder-valid-file")
def test_a_function_chooses_the_files(subject):
    with planted(others=("cat/text.txt", "dog/text.txt", "ant/text.txt", "Zebra/text.TXT")) as root:
        seen: list[str] = []
        data = folders().ImageFolder(
            root, is_valid_file=lambda path: seen.append(path) or path.lower().endswith("t.txt")
        )
        same("files", [os.path.basename(path) for path, _ in data.samples], ["text.TXT"] + ["text.txt"] * 3)
        same("targets", data.targets, [0, 1, 2, 3])
        require(all(os.path.isfile(path) for path in seen), "is_valid_file gets what is no path", "paths", seen[:3])
        same("files asked about", len(set(seen)), len(TREE) + 4)


@check("transforms.image-folder-empty-class")
def test_a_class_without_pictures_is_refused(subject):
    make = folders().ImageFolder
    for others, empty in (((), ("mouse",)), (("mouse/text.txt",), ()), ((), ("mouse/nested",))):
        with planted(others=others, empty=empty) as root:
            error = assert_raises("ImageFolder with an empty class", FileNotFoundError, lambda: make(root))
            require("mouse" in str(error), "the error does not name the class", "mouse", str(error))


@check("transforms.image-folder-allow-empty")
def test_a_class_without_pictures_is_kept_if_allowed(subject):
    with planted(empty=("bear",)) as root:
        data = folders().ImageFolder(root, allow_empty=True)
        same("classes", data.classes, ["Zebra", "ant", "bear", "cat", "dog"])
        same("class_to_idx", data.class_to_idx["cat"], 3)
        same("targets", data.targets, [number + (number > 1) for _, number in SORTED])
        kwargs = {"allow_empty": False}
        assert_raises("allow_empty=False", FileNotFoundError, lambda: folders().ImageFolder(root, **kwargs))


@check("transforms.dataset-folder")
def test_dataset_folder_reads_files_with_its_loader(subject):
    names = ("b/2.npy", "b/1.npy", "a/x.NPY", "a/y.txt", "c/sub/3.npy")
    with planted((), others=names) as root:
        data = folders().DatasetFolder(root, lambda path: os.path.relpath(path, root), extensions=(".npy",))
        paths = [os.path.join(*name.split("/")) for name in ("a/x.NPY", "b/1.npy", "b/2.npy", "c/sub/3.npy")]
        same("items", [data[n] for n in range(len(data))], list(zip(paths, (0, 1, 1, 2), strict=True)))
        same("classes", data.classes, ["a", "b", "c"])
        both = folders().DatasetFolder(root, os.path.basename, (".npy", ".txt"), str.upper, lambda n: -n)
        found = [both[n] for n in range(len(both))]
        same("items", found, [("X.NPY", 0), ("Y.TXT", 0), ("1.NPY", -1), ("2.NPY", -1), ("3.NPY", -2)])
        wanted = {"1.npy", "3.npy", "y.txt"}
        chosen = folders().DatasetFolder(root, str, is_valid_file=lambda path: Path(path).name in wanted)
        same("targets", chosen.targets, [0, 1, 2])


@check("transforms.dataset-folder")
def test_dataset_folder_takes_endings_or_a_function(subject):
    with planted((), others=("a/1.npy",)) as root:
        make = folders().DatasetFolder
        assert_raises("DatasetFolder with neither", ValueError, lambda: make(root, str))
        choose = {"extensions": (".npy",), "is_valid_file": lambda path: True}
        assert_raises("DatasetFolder with both", ValueError, lambda: make(root, str, **choose))
        assert_raises("DatasetFolder without a file", FileNotFoundError, lambda: make(root, str, (".png",)))
