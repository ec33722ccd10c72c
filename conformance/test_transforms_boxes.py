"""Boxes and masks move with their image under the transforms of v2, by example."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from conformance import host
from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.numerics import COMPOSED
from conformance.oracle import transforms as places
from conformance.tables.transforms_samples import enough, functional, tensor, transforms

pytestmark = must_answer


def typed() -> Any:
    """The module with the types of images, boxes and masks."""
    transforms("v2")
    return importlib.import_module("torchvision.tv_tensors")


# -- boxes and masks ---------------------------------------------------------------------------------------------------

HIGH, WIDE = 12, 16
BOXES = np.array([[2, 3, 7, 9], [0, 0, 16, 12], [10, 1, 12, 11], [5, 5, 6, 6]], np.float32)
INVERSE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "XYXY": lambda b: b,
    "XYWH": lambda b: np.concatenate([b[:, :2], b[:, 2:] - b[:, :2]], 1),
    "CXCYWH": lambda b: np.concatenate([(b[:, :2] + b[:, 2:]) / 2, b[:, 2:] - b[:, :2]], 1),
}


def bounds(mask: np.ndarray) -> list[float]:
    """The box about what is not zero, as its corners; zeros where nothing is."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else [0, 0, 0, 0]


def drawn() -> np.ndarray:
    """For each box a mask (H,W) of ones inside it."""
    rows, columns = np.mgrid[:HIGH, :WIDE]
    inside = [
        (columns >= left) & (columns < right) & (rows >= top) & (rows < bottom) for left, top, right, bottom in BOXES
    ]
    return np.stack(inside).astype("uint8")


def scaled(masks: np.ndarray) -> np.ndarray:
    return masks.repeat(3, 1).repeat(2, 2)


MOVES: dict[str, tuple[Callable[[Any, Any], Any], Callable[[np.ndarray], np.ndarray]]] = {
    "horizontal_flip": (lambda F, x: F.horizontal_flip(x), places.hflip),
    "vertical_flip": (lambda F, x: F.vertical_flip(x), places.vflip),
    "crop(2, 3, 8, 9)": (lambda F, x: F.crop(x, 2, 3, 8, 9), lambda m: m[:, 2:10, 3:12]),
    "center_crop([6, 8])": (lambda F, x: F.center_crop(x, [6, 8]), lambda m: m[:, 3:9, 4:12]),
    "center_crop([16, 18])": (lambda F, x: F.center_crop(x, [16, 18]), lambda m: np.pad(m, ((0, 0), (2, 2), (1, 1)))),
    "pad([1, 2, 3, 4])": (lambda F, x: F.pad(x, [1, 2, 3, 4]), lambda m: np.pad(m, ((0, 0), (2, 4), (1, 3)))),
    "resize([36, 32])": (lambda F, x: F.resize(x, [36, 32]), scaled),
    "resized_crop(3, 2, 6, 8, [18, 16])": (
        lambda F, x: F.resized_crop(x, 3, 2, 6, 8, [18, 16]),
        lambda m: scaled(m[:, 3:9, 2:10]),
    ),
    "rotate(90, expand=True)": (lambda F, x: F.rotate(x, 90, expand=True), lambda m: places.turned(m, 1)),
    "rotate(180)": (lambda F, x: F.rotate(x, 180), lambda m: places.turned(m, 2)),
    "affine by (3, -2)": (
        lambda F, x: F.affine(x, 0.0, [3, -2], 1.0, [0.0, 0.0]),
        lambda m: places.crop(m, 2, -3, HIGH, WIDE),
    ),
}


@pytest.mark.parametrize("name", [pytest.param(name, marks=check("transforms.v2-moves-boxes")) for name in MOVES])
def test_boxes_and_masks_go_where_their_pixels_go(subject, name):
    move, expected = MOVES[name]
    F, types, masks = functional("v2"), typed(), expected(drawn())
    given = tensor(subject, drawn(), "uint8")
    out = move(F, types.Mask(given))
    require(type(out) is types.Mask, f"{name} of a Mask is a {type(out).__name__}", "Mask", type(out).__name__)
    assert_values(f"{name} of masks", out, masks, dtype="uint8")
    assert_values("the masks afterwards", given, drawn())
    high, wide = masks.shape[1:]
    for kind, write in INVERSE.items():
        boxes = types.BoundingBoxes(tensor(subject, write(BOXES)), format=kind, canvas_size=(HIGH, WIDE))
        out = move(F, boxes)
        require(type(out) is types.BoundingBoxes, f"{name} of boxes is a {type(out).__name__}")
        require(out.format.name == kind, f"{name} of {kind} boxes makes them {out.format}", kind, out.format)
        require(tuple(out.canvas_size) == (high, wide), f"{name}: canvas", (high, wide), out.canvas_size)
        inside = masks.any((1, 2))  # a box that has left the canvas may have any of its edges
        found = host.array(F.convert_bounding_box_format(out, new_format=kind_of("XYXY")))
        due = np.array([bounds(mask) for mask in masks], np.float32)
        assert_values(f"{name} of {kind} boxes", torch.from_numpy(found[inside]), due[inside], COMPOSED.over(8), 48.0)
        assert_values("the boxes afterwards", boxes, write(BOXES))


def kind_of(name: str) -> Any:
    return typed().BoundingBoxFormat[name]


@check("transforms.v2-moves-boxes")
def test_one_draw_moves_image_boxes_and_mask(subject):
    T, types = transforms("v2"), typed()
    given = tensor(subject, drawn(), "uint8")
    boxes = types.BoundingBoxes(tensor(subject, BOXES), format="XYXY", canvas_size=(HIGH, WIDE))
    for way in (T.RandomHorizontalFlip(0.5), T.RandomVerticalFlip(0.5), T.RandomCrop((9, 11)), T.RandomZoomOut(p=0.5)):
        seen = set()
        for _ in range(enough([0.5, 0.5])):
            image, moved, mask = way(types.Image(given), boxes, types.Mask(given))
            assert_values(f"{way}: image and mask", torch.as_tensor(image), host.array(torch.as_tensor(mask)))
            masks = host.array(torch.as_tensor(mask))
            inside = masks.any((1, 2))
            due = np.array([bounds(one) for one in masks], np.float32)
            assert_values(f"{way}: boxes", torch.as_tensor(moved)[torch.from_numpy(inside)], due[inside])
            seen.add(masks.tobytes())
        require(len(seen) > 1, f"{way} always does the same")
