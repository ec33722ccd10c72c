"""The notes' programs that show pictures, with a stand-in for matplotlib."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from conformance.assertions import assert_values, require
from conformance.check import check, must_answer
from conformance.oracle import api as oracle
from conformance.tables.api_samples import Program, linear, start
from conformance.tables.device_places import assert_at

pytestmark = must_answer


@check("api.visualize-model")
@pytest.mark.parametrize("training", (True, False))
def test_visualize_model_shows_and_puts_the_mode_back(subject, training):
    batches = {"val": oracle.cut(oracle.clusters(30, 11), 4)}
    for count in (6, 4, 1, 11, 100):
        program = Program(subject, batches, "float32")
        net = nn.Sequential(linear(subject, start(), "float32"), nn.Dropout(0.9)).train(training)
        net[1].train(training)
        seen: list[tuple[bool, bool]] = []
        net.register_forward_hook(lambda module, given, out: seen.append((module.training, out.requires_grad)))
        program.visualizer()(net, count)
        due = np.concatenate([start().outputs(x).argmax(1) for x, _ in batches["val"]])[:count]
        wanted = [f"predicted:{['ants', 'bees', 'wasps'][label]}" for label in due]
        require(program.titles == wanted, f"the titles for {count} images are {program.titles}", wanted, program.titles)
        require(net.training is training, f"the mode after {count} images is {net.training}", training)
        require(net[1].training is training, "the mode of a child is not put back")
        require(
            set(seen) == {(False, False)}, f"the model ran with (training, graph) {set(seen)}", (False, False), seen
        )
        require(len(program.images) == min(count, 11), f"{len(program.images)} images were shown")
        for image, row in zip(program.images, np.concatenate([x for x, _ in batches["val"]]), strict=False):
            assert_values("an image shown", assert_at("an image", image, "cpu"), row.astype("float32"))
        require(
            [place for _, _, place in program.places] == list(range(1, min(count, 11) + 1)), "the places in the grid"
        )
        require(torch.is_grad_enabled(), "gradients stay switched off")


@check("api.imshow-undoes-normalize")
def test_imshow_gives_the_picture_back(subject):
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for high, wide in ((5, 7), (1, 1), (33, 17)):
        pixels = (np.arange(high * wide * 3) * 37 % 256).astype(np.uint8).reshape(high, wide, 3)
        image = torch.from_numpy(pixels).permute(2, 0, 1).to(torch.float32).div(255)
        each = [torch.tensor(part, dtype=torch.float32)[:, None, None] for part in (mean, std)]
        inp = image.sub(each[0]).div(each[1])
        shown = std * inp.numpy().transpose((1, 2, 0)) + mean
        require(shown.shape == (high, wide, 3), f"the picture has shape {shown.shape}", (high, wide, 3), shown.shape)
        off = np.abs(np.clip(shown, 0, 1) - pixels / 255).max()
        require(off < 1e-6, f"the picture is off by {off:.2g}", "< 1e-6", off)
        again = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
        require((again == pixels).all(), "a pixel of the picture is another", pixels, again)


@check("api.imshow-undoes-normalize")
def test_torchvision_normalizes_as_imshow_expects(subject):
    from conformance import vision

    vision.torchvision()
    import torchvision.transforms as transforms
    from PIL import Image

    mean, std = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
    pixels = (np.arange(6 * 4 * 3) * 41 % 256).astype(np.uint8).reshape(6, 4, 3)
    change = transforms.Compose([transforms.ToTensor(), transforms.Normalize(mean, std)])
    inp = change(Image.fromarray(pixels))
    require(tuple(inp.shape) == (3, 6, 4), f"the tensor has shape {tuple(inp.shape)}", (3, 6, 4), tuple(inp.shape))
    shown = np.array(std) * inp.numpy().transpose((1, 2, 0)) + np.array(mean)
    again = np.rint(np.clip(shown, 0, 1) * 255).astype(np.uint8)
    require((again == pixels).all(), "a pixel of the picture is another", pixels, again)
