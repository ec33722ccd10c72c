"""What the notes do with files, by example, and what weights_only lets through."""

from __future__ import annotations

import collections
from collections import OrderedDict

import numpy as np
import torch
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.tables.models_samples import on_meta
from conformance.tables.serialization_samples import (
    PLAIN,
    SAFE,
    assert_equal,
    assert_tensors,
    load,
    net,
    save,
    through_file,
)
from conformance.vision import torchvision

pytestmark = must_answer


@check("serialization.order-of-note-snippets")
def test_the_sections_of_the_note_do_not_fit_together(subject):
    saved = save(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)).to(subject.device).state_dict())
    second = net(subject)
    before = {key: entry.clone() for key, entry in second.state_dict().items()}
    text = str(assert_raises("load_state_dict", RuntimeError, lambda: second.load_state_dict(load(saved))))
    for key in ("hidden.weight", "out.bias", "norm.running_var", "0.weight", "1.bias"):
        require(f'"{key}"' in text, f"the error does not name {key}: {text}")
    assert_tensors("the state afterwards", second.state_dict(), OrderedDict(before))


HEADER = "class DenseNet(nn.Module{}{}\n    def forward(self, x):\n        return x\n"


@check("serialization.fullwidth-punctuation")
def test_fullwidth_punctuation_is_no_python(subject):
    for bracket, colon in (("）", "："), ("）", ":"), (")", "：")):
        text = HEADER.format(bracket, colon)
        assert_raises(f"the header {text.splitlines()[0]!r}", SyntaxError, lambda: compile(text, "note", "exec"))
    names = {"nn": nn}
    exec(compile(HEADER.format(")", ":"), "note", "exec"), names)
    x = torch.ones(2, device=subject.device)
    require(names["DenseNet"]()(x) is x, "the mended class is no network")


def old_names(key):
    """norm.1.weight for norm1.weight inside a dense layer: the names of old checkpoints."""
    parts = key.split(".")
    inside = "denselayer" in key
    return ".".join(f"{p[:-1]}.{p[-1]}" if inside and p[:-1] in ("norm", "conv") else p for p in parts)


@check("serialization.pretrained-densenet-file")
def test_old_densenet_checkpoints_need_other_names(subject):
    models = torchvision().models
    small = models.DenseNet(4, (2, 1), 4, 2, num_classes=2)
    state = OrderedDict((old_names(key), entry.clone() + 1) for key, entry in small.state_dict().items())
    before = {key: host.array(entry) for key, entry in small.state_dict().items() if "denselayer" in key}
    text = str(assert_raises("load_state_dict", RuntimeError, lambda: small.load_state_dict(state)))
    require("denselayer1.norm1.weight" in text and "denselayer1.norm.1.weight" in text, f"the error says {text}")
    for key, due in before.items():
        assert_values(f"{key} afterwards", small.state_dict()[key], due)
    plain, _, _ = on_meta("densenet121")
    state = {key: entry for key, entry in plain.state_dict().items() if not key.endswith("num_batches_tracked")}
    old = OrderedDict((old_names(key), entry) for key, entry in state.items())
    require(any(".norm.1." in key for key in old) and not any(".norm1." in key for key in old), "no old names")
    loaded, asked, _ = on_meta("densenet121", lambda: old, weights="DEFAULT")
    assert_equal("files asked for, parameters", (len(asked), len(list(loaded.parameters()))), (1, 364))
    name = models.DenseNet161_Weights.IMAGENET1K_V1.url.rpartition("/")[2]
    assert_equal("the file of densenet161", name, "densenet161-8d451a50.pth")


@check("serialization.weights-only-allows")
def test_weights_and_plain_objects_load(subject):
    x = torch.arange(6, device=subject.device).reshape(2, 3)
    things = {
        "tensors": [x, x.t(), x.float(), x.bool(), x.half(), x.bfloat16(), x.double(), x.to(torch.complex64)],
        "empty": [x[:0], x[0, 0]],
        "parameters": [nn.Parameter(x.float()), nn.Parameter(x.float(), requires_grad=False)],
        "state": net(subject).state_dict(),
        "plain": {"a": [1, (2, "b", None, True)], 3: ()},
        "types": [torch.Size([1, 2]), torch.float32, torch.int64, torch.float16],
    }
    for name, thing in things.items():
        assert_tensors(f"{SAFE.name} of {name}", SAFE(thing), thing)
        assert_tensors(f"torch.load(…) of {name}", PLAIN(thing), thing)
        assert_tensors(f"torch.load(path, weights_only=True) of {name}", through_file(thing, weights_only=True), thing)


@check("serialization.weights-only-allows", since="2.0")
def test_floats_load(subject):
    for thing in (0.5, -0.0, float("inf"), 1e-300, [1.5, {"lr": 0.1}]):
        assert_tensors(SAFE.name, SAFE(thing), thing)
        require(str(SAFE(thing)) == str(thing), f"{SAFE.name} of {thing} is {SAFE(thing)}")
    require(np.isnan(SAFE(float("nan"))), "NaN comes back as a number")


@check("serialization.weights-only-allows-more")
def test_further_plain_objects_load(subject):
    counter = collections.Counter("abcab")
    for thing in (
        1 + 2j,
        b"\x00\xff",
        bytearray(b"ab"),
        {1, 2, "x"},
        counter,
        torch.device(subject.device),
        torch.bfloat16,
        torch.bool,
    ):
        assert_equal(f"{SAFE.name} of {type(thing).__name__}", SAFE(thing), thing)
        assert_equal(f"torch.load(…) of {type(thing).__name__}", PLAIN([thing])[0], thing)
