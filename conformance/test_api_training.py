"""The training programs of the study notes, checked against training by hand."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from conformance import host
from conformance.assertions import assert_raises, assert_values, require
from conformance.check import check, must_answer
from conformance.device_places import assert_at, values
from conformance.numerics import EXACT, RECURRENCE
from conformance.oracle import api as oracle
from conformance.oracle.api import Linear
from conformance.samples_api import Program, linear, printed
from properties.strategies.recipe import LAYOUTS, layouts
from properties.strategies.values import cycle, interesting

pytestmark = must_answer


def start(classes: int = 3, features: int = 4, seed: int = 5) -> Linear:
    """Small weights to begin with."""
    generator = np.random.default_rng(seed)
    return Linear(generator.standard_normal((classes, features)) / 4, generator.standard_normal(classes) / 4)


def close(call: str, out: torch.Tensor, due: Any, steps: int) -> None:
    """Values after so many steps of a recurrence, each of which adds up some dozen products."""
    scale = max(1.0, float(np.abs(due).max(initial=0)))
    assert_values(call, out.detach(), due, RECURRENCE.over(64 * steps), scale)


# -- steps -------------------------------------------------------------------------------------------------------------


@check("api.training-by-hand")
@pytest.mark.parametrize("loss", ("cross entropy", "squared error"))
def test_five_steps_give_the_weights_of_the_formulas(subject, loss):
    subject.require("float64")
    x, labels = oracle.clusters(1, 12)
    target = np.eye(3)[labels]
    due, net = start(), linear(subject, start())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.25)
    inputs = values(subject, x, "float64")
    wanted = values(subject, labels, "int64") if loss == "cross entropy" else values(subject, target, "float64")
    criterion = nn.CrossEntropyLoss() if loss == "cross entropy" else nn.MSELoss()
    for turn in range(1, 6):
        optimizer.zero_grad()
        criterion(net(inputs), wanted).backward()
        if loss == "cross entropy":
            gradient = oracle.cross_entropy_gradient(due, x, labels)
        else:
            gradient = oracle.squared_error_gradient(due, x, target)
        close(f"weight.grad in step {turn}", net.weight.grad, gradient.weight, turn)
        optimizer.step()
        due = oracle.descend(due, gradient, 0.25)
        close(f"the weight after step {turn}", net.weight, due.weight, turn)
        close(f"the bias after step {turn}", net.bias, due.bias, turn)


@check("api.step-without-zero-grad")
def test_without_zero_grad_the_gradients_add_up(subject):
    subject.require("float64")
    x, labels = oracle.clusters(2, 9)
    due, net = start(), linear(subject, start())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.125)
    total = Linear(np.zeros((3, 4)), np.zeros(3))
    inputs, wanted = values(subject, x, "float64"), values(subject, labels, "int64")
    for turn in range(1, 5):
        F.cross_entropy(net(inputs), wanted).backward()
        one = oracle.cross_entropy_gradient(due, x, labels)
        total = Linear(total.weight + one.weight, total.bias + one.bias)
        close(f"weight.grad after {turn} passes", net.weight.grad, total.weight, turn)
        optimizer.step()
        due = oracle.descend(due, total, 0.125)
        close(f"the weight after {turn} steps without zero_grad", net.weight, due.weight, turn)
    optimizer.zero_grad()
    require(net.weight.grad is None or not host.array(net.weight.grad).any(), "zero_grad leaves a gradient")
    net.zero_grad()
    F.cross_entropy(net(inputs), wanted).backward()
    close("weight.grad after zero_grad", net.weight.grad, oracle.cross_entropy_gradient(due, x, labels).weight, 5)


@check("api.step-without-backward")
def test_a_step_left_out_leaves_the_weights(subject):
    x, labels = oracle.clusters(3, 6)
    for name in ("SGD", "Adam", "RMSprop", "Adagrad"):
        net = linear(subject, start(), "float32")
        before = {key: host.array(entry) for key, entry in net.state_dict().items()}
        optimizer = getattr(torch.optim, name)(net.parameters(), lr=0.5)
        inputs, wanted = values(subject, x), values(subject, labels, "int64")
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs), wanted)
            optimizer.step()
            require(all(p.grad is None for p in net.parameters()), f"{name}: there is a gradient without backward")
        _same(f"{name} without backward", net, before)
        for _ in range(2):
            optimizer.zero_grad()
            F.cross_entropy(net(inputs), wanted).backward()
        require(all(p.grad is not None for p in net.parameters()), f"{name}: backward gives no gradient")
        _same(f"{name} without step", net, before)
        optimizer.step()
        moved = all((host.array(p.detach()) != before[key]).any() for key, p in net.named_parameters())
        require(moved, f"{name}: a whole step leaves a weight as it was")


def _same(call: str, net: nn.Module, before: dict[str, np.ndarray]) -> None:
    for key, entry in net.state_dict().items():
        assert_values(f"{key} after {call}", entry, before[key], EXACT, signed_zeros=True)


@check("api.step-needs-a-graph")
def test_backward_needs_a_graph(subject):
    x, labels = oracle.clusters(4, 6)
    inputs, wanted = values(subject, x), values(subject, labels, "int64")
    net = linear(subject, start(), "float32")
    with torch.no_grad():
        loss = F.cross_entropy(net(inputs), wanted)
    assert_raises("backward of a loss made under no_grad", RuntimeError, lambda: loss.backward())
    detached = F.cross_entropy(net(inputs).detach(), wanted)
    assert_raises("backward of a loss of detached outputs", RuntimeError, lambda: detached.backward())
    frozen = linear(subject, start(), "float32").requires_grad_(False)
    assert_raises(
        "backward through frozen weights", RuntimeError, lambda: F.cross_entropy(frozen(inputs), wanted).backward()
    )
    require(
        all(p.grad is None for part in (net, frozen) for p in part.parameters()), "a refused backward left a gradient"
    )
    twice = F.cross_entropy(net(inputs), wanted)
    twice.backward()
    gradient = host.array(net.weight.grad)
    assert_raises("a second backward", RuntimeError, lambda: twice.backward())
    assert_values("weight.grad after a refused backward", net.weight.grad, gradient)
    rows = F.cross_entropy(net(inputs), wanted, reduction="none")
    assert_raises("backward of one loss a sample", RuntimeError, lambda: rows.backward())


@check("api.training-steps")
@pytest.mark.parametrize("kind", ("SGD", "Adam"))
def test_a_classifier_learns(subject, kind):
    x, labels = oracle.clusters(10, 300, 0.8)
    seen, mean, std = x[:240], x[:240].mean(0), x[:240].std(0)
    torch.manual_seed(0)
    normal = [values(subject, (part - mean) / std) for part in (seen, x[240:])]
    data = torch.utils.data.TensorDataset(normal[0], values(subject, labels[:240], "int64"))
    loader = torch.utils.data.DataLoader(data, batch_size=16, shuffle=True)
    net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3)).to(subject.device)
    criterion = nn.CrossEntropyLoss()
    optimizer = getattr(torch.optim, kind)(net.parameters(), lr=0.2 if kind == "SGD" else 0.02)
    losses = []
    for _ in range(6):
        total = 0.0
        for inputs, wanted in loader:
            optimizer.zero_grad()
            loss = criterion(net(inputs), wanted)
            loss.backward()
            optimizer.step()
            total += loss.item() * inputs.size(0)
        losses.append(total / 240)
    with torch.no_grad():
        _, preds = torch.max(net(normal[1]), 1)
    right = float((host.array(preds) == labels[240:]).mean())
    require(
        losses[-1] < 0.5 * losses[0], f"the loss goes from {losses[0]:.3f} to {losses[-1]:.3f}", "half at most", losses
    )
    require(right > 0.8, f"{right:.0%} of the test data are right, where chance is 33 %", "> 80 %", right)


# -- bookkeeping -------------------------------------------------------------------------------------------------------


@check("api.epoch-loss")
def test_batch_losses_add_up_to_the_mean_of_all(subject):
    subject.require("float64")
    x, labels = oracle.clusters(6, 23)
    net = linear(subject, start())
    due = oracle.cross_entropy(start().outputs(x), labels)
    for size in (1, 4, 5, 23, 64):
        total, naive = 0.0, 0.0
        batches = oracle.cut((x, labels), size)
        for inputs, wanted in batches:
            loss = nn.CrossEntropyLoss()(net(values(subject, inputs, "float64")), values(subject, wanted, "int64"))
            require(type(loss.item()) is float, f"loss.item() is a {type(loss.item()).__name__}")
            total += loss.item() * values(subject, inputs, "float64").size(0)
            naive += loss.item()
        require(abs(total / 23 - due) <= 1e-12, f"batches of {size}: the mean loss is {total / 23!r}", due, total / 23)
        if size == 4:
            require(abs(naive / len(batches) - due) > 1e-4, "the last, smaller batch does not matter")


@check("api.epoch-accuracy")
def test_correct_predictions_are_counted(subject):
    generator = np.random.default_rng(7)
    for count in (1, 5, 33, 40_000):
        preds, labels = generator.integers(0, 3, count), generator.integers(0, 3, count)
        a, b = values(subject, preds, "int64"), values(subject, labels, "int64")
        due = int((preds == labels).sum())
        correct = torch.sum(a == b.data)
        assert_values(f"torch.sum(preds == labels) of {count}", correct, due, dtype="int64")
        running = 0
        for part in range(0, count, 7 if count < 100 else 9_000):
            step = 7 if count < 100 else 9_000
            running += torch.sum(a[part : part + step] == b.data[part : part + step])
        assert_values("the running count", running, due, dtype="int64")
        share = running.double() / count
        assert_values("the share", share, due / count, dtype="float64")
        require(bool(share > 0.0) == (due > 0), "the comparison with 0.0 is wrong")
        require(share.dim() == 0, "the share has dimensions")


@check("api.prediction")
@pytest.mark.parametrize("dtype", ("float32", "float64", "float16", "bfloat16"))
def test_the_prediction_is_the_place_of_the_largest(subject, dtype):
    table = interesting(dtype, moderate=True)
    for shape in ((4, 3), (1, 10), (33, 17), (5, 1)):
        rows = np.unique(cycle(table, (len(table),)))
        given = rows[np.argsort(np.random.default_rng(sum(shape)).random((shape[0], len(rows))), 1)][:, : shape[1]]
        for recipe in layouts(given, dtype, [name for name in LAYOUTS if name != "expanded"]):
            x = recipe.on(subject)
            largest, preds = torch.max(x, 1)
            assert_values(f"the largest of {recipe!r}", largest, recipe.array.max(1), dtype=dtype)
            assert_values(f"the predictions of {recipe!r}", preds, recipe.array.argmax(1), dtype="int64")
            for call, out in {
                "torch.max(x.data, 1)[1]": torch.max(x.data, 1)[1],
                "x.max(dim=1).indices": x.max(dim=1).indices,
                "x.max(-1)[1]": x.max(-1)[1],
                "x.argmax(1)": x.argmax(1),
                "torch.topk(x, 1)": torch.topk(x, 1)[1][:, 0],
            }.items():
                assert_values(call, out, recipe.array.argmax(1), dtype="int64")
            if dtype in ("float32", "float64"):
                assert_values(
                    "softmax(1).argmax(1)", (x / 16).softmax(1).argmax(1), recipe.array.argmax(1), dtype="int64"
                )


@check("api.format-of-0-dim")
def test_a_0_dim_tensor_formats_as_its_number(subject):
    for number in (0.0, 0.8625, -1.5, 1234.56789, 1e-7, float("inf"), float("nan")):
        for dtype in ("float32", "float64"):
            x = values(subject, number, dtype)
            for form in ("{:.4f}", "{:4f}", "{:.0f}", "{:10.2e}", "{:>8.3f}", "{}"):
                due = form.format(x.item())
                with torch.no_grad():
                    found = form.format(x)
                require(found == form.format(x) == due, f"{form!r}.format(x) is {found!r}", due, found)
            require(f"{x:.3f}" == f"{x.item():.3f}", "an f-string formats a 0-d tensor otherwise")
            require(
                abs(x.item() - number) <= 1e-6 * abs(number) or number in (float("inf"),) or number != number, "item()"
            )
    whole = values(subject, 42, "int64")
    require(f"{whole:d} {whole:5d} {whole}" == "42    42 42", "a 0-d integer formats otherwise")
    for shape in ((1,), (2, 3)):
        x = torch.ones(shape, device=subject.device)
        assert_raises(f"'{{:.4f}}'.format of {shape}", TypeError, lambda: f"{x:.4f}")


@check("api.best-weights-copied")
def test_a_deep_copy_of_the_state_keeps_the_weights(subject):
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2)).to(subject.device)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    kept, live = copy.deepcopy(net.state_dict()), net.state_dict()
    shallow = copy.copy(net.state_dict())
    before = {key: host.array(entry) for key, entry in live.items()}
    for _ in range(2):
        optimizer.zero_grad()
        net(values(subject, np.arange(12.0).reshape(4, 3))).pow(2).sum().backward()
        optimizer.step()
    for key in before:
        assert_values(f"the deep copy's {key}", assert_at(key, kept[key], subject.device), before[key])
        now = host.array(net.state_dict()[key])
        assert_values(f"the state's {key}", live[key], now)
        assert_values(f"the shallow copy's {key}", shallow[key], now)
        if key.endswith(("weight", "running_mean", "tracked")):
            require((now != before[key]).any(), f"{key} did not change in training")
    net.load_state_dict(kept)
    _same("loading the deep copy", net, before)


# -- train_model -------------------------------------------------------------------------------------------------------

RATE, EPOCHS = 0.75, 5


def scene(subject: Any) -> tuple[Program, Any, Any, Any]:
    """The program with overlapping classes, and a model, optimizer and scheduler for it."""
    subject.require("float64")
    batches = {"train": oracle.cut(oracle.clusters(31, 31, 4.0), 5), "val": oracle.cut(oracle.clusters(32, 26, 4.0), 4)}
    net = linear(subject, start())
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
    return Program(subject, batches), net, optimizer, scheduler


def epochs(program: Program) -> list[oracle.Epoch]:
    """What the program should do: its scheduler steps first, so that epoch k has the rate after k + 1 steps."""
    return oracle.train(start(), program.batches, [RATE * 0.5 ** ((epoch + 1) // 3) for epoch in range(EPOCHS)])


def quietly(action: Any) -> Any:
    """A call without the warning that the scheduler steps before the optimizer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return action()


@check("api.train-model-works")
def test_train_model_trains_validates_and_returns_the_best(subject):
    program, net, optimizer, scheduler = scene(subject)
    train = program.trainer()
    criterion = nn.CrossEntropyLoss()
    out, lines = quietly(lambda: printed(lambda: train(net, criterion, optimizer, scheduler, num_epochs=EPOCHS)))
    require(out is net, "train_model returns another model")
    due = epochs(program)
    top = oracle.best(due)
    close("the weight returned", net.weight, due[top].net.weight, 40)
    close("the bias returned", net.bias, due[top].net.bias, 40)
    shown = [line for line in lines if "Loss" in line]
    wanted = [(phase, epoch.loss[phase], epoch.accuracy[phase]) for epoch in due for phase in ("train", "val")]
    require(len(shown) == len(wanted), f"{len(shown)} phases were printed", len(wanted), shown)
    for line, (phase, loss, accuracy) in zip(shown, wanted, strict=True):
        name, _, found, _, share = line.split()
        near = abs(float(found) - loss) <= 6e-5 and abs(float(share) - accuracy) <= 6e-5
        require(name == phase and near, f"{line!r} should be {phase} {loss:.4f} {accuracy:.4f}", wanted, line)
    require(
        [line for line in lines if line.startswith("Epoch")] == [f"Epoch {k}/{EPOCHS - 1}" for k in range(EPOCHS)],
        "epochs",
    )
    require(lines[-1] == f"Best val Acc: {due[top].accuracy['val']:4f}", f"the last line is {lines[-1]!r}")
    require(optimizer.param_groups[0]["lr"] == RATE * 0.5, f"the rate ends as {optimizer.param_groups[0]['lr']}")


@check("api.train-model-preds")
def test_train_model_as_written_stops_in_the_first_batch(subject):
    program, net, optimizer, scheduler = scene(subject)
    train = program.trainer(assigned="pred", sizes="dataset_sizes")
    error = quietly(lambda: _stopped(lambda: train(net, nn.CrossEntropyLoss(), optimizer, scheduler, EPOCHS)))
    require("preds" in str(error), f"train_model says {error}", "preds", error)
    x, labels = program.batches["train"][0]
    gradient = oracle.cross_entropy_gradient(start(), x, labels)
    due = oracle.descend(start(), gradient, RATE)
    close("the weight after the first batch", net.weight, due.weight, 1)
    close("the bias after the first batch", net.bias, due.bias, 1)
    close("the gradient of the first batch", net.weight.grad, gradient.weight, 1)
    require(net.training, "the model is not in training mode when train_model stops")


@check("api.train-model-dataset-sizes")
def test_train_model_with_one_name_mended_stops_after_a_phase(subject):
    program, net, optimizer, scheduler = scene(subject)
    train = program.trainer(sizes="dataset_sizes")
    error = quietly(lambda: _stopped(lambda: train(net, nn.CrossEntropyLoss(), optimizer, scheduler, EPOCHS)))
    require("dataset_sizes" in str(error), f"train_model says {error}", "dataset_sizes", error)
    due = oracle.train(start(), program.batches, [RATE])[0].net
    close("the weight after the first phase", net.weight, due.weight, 7)
    close("the bias after the first phase", net.bias, due.bias, 7)
    require(torch.is_grad_enabled(), "gradients are switched off when train_model stops")


def _stopped(action: Any) -> Exception:
    return assert_raises("train_model", NameError, lambda: printed(action))


@check("api.train-model-validation-is-inert")
def test_validation_changes_nothing(subject):
    torch.manual_seed(1)
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.ReLU(), nn.Linear(8, 3)).to(
        subject.device
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=0.1)
    criterion = nn.CrossEntropyLoss()
    x, labels = oracle.clusters(8, 20)
    inputs, wanted = values(subject, x), values(subject, labels, "int64")
    criterion(net(inputs), wanted).backward()
    optimizer.step()
    before = {key: host.array(entry) for key, entry in net.state_dict().items()}
    gradients = {key: host.array(p.grad) for key, p in net.named_parameters()}
    moments = [
        host.array(value) for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)
    ]
    net.eval()
    outs = []
    for _ in range(3):
        with torch.set_grad_enabled(False):
            out = net(inputs)
            loss = criterion(out, wanted)
        require(out.grad_fn is None and loss.grad_fn is None and not loss.requires_grad, "validation builds a graph")
        outs.append(host.array(out))
    require(all((out == outs[0]).all() for out in outs), "validation is different each time")
    _same("validation", net, before)
    for key, p in net.named_parameters():
        assert_values(f"{key}.grad after validation", p.grad, gradients[key])
    after = [
        host.array(value) for state in optimizer.state.values() for value in state.values() if torch.is_tensor(value)
    ]
    require(
        all((a == b).all() for a, b in zip(moments, after, strict=True)), "validation changed the optimizer's state"
    )
    require(torch.is_grad_enabled() and not net.training, "the modes after validation are wrong")


def _moments(optimizer: torch.optim.Optimizer) -> list[np.ndarray]:
    """Every tensor of an optimizer's state."""
    found = [value for state in optimizer.state.values() for value in state.values()]
    return [host.array(value) for value in found if torch.is_tensor(value)]


@check("api.train-model-validation-is-inert")
def test_the_same_pass_in_training_mode_changes_statistics(subject):
    net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8)).to(subject.device)
    x = values(subject, oracle.clusters(9, 20)[0])
    for phase, changes in (("val", False), ("train", True), ("val", False)):
        net.train(phase == "train")
        before = host.array(net[1].running_mean)
        count = net[1].num_batches_tracked.item()
        with torch.set_grad_enabled(phase == "train"):
            out = net(x)
        require(out.requires_grad == changes, f"the output in {phase} requires grad: {out.requires_grad}", changes)
        moved = bool((host.array(net[1].running_mean) != before).any())
        require(moved == changes, f"a pass in {phase} changes running_mean: {moved}", changes, moved)
        require(net[1].num_batches_tracked.item() == count + changes, f"num_batches_tracked after {phase} is wrong")


# -- pictures ----------------------------------------------------------------------------------------------------------


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
