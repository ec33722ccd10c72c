"""The longer programs of the study notes, written anew as text, with the names that the notes confuse left open."""

from __future__ import annotations

import copy
import io
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from conformance import host
from conformance.assertions import assert_values
from conformance.numerics import EXACT, RECURRENCE
from conformance.oracle.api import Batch, Linear
from conformance.subject import Subject

# `assigned`: what the predictions are called where they are made; `sizes`: the dict that is divided by.
TRAIN = """
def train_model(model, criterion, optimizer, scheduler, num_epochs=25):
    began = time.time()
    best_weights = copy.deepcopy(model.state_dict())
    best_accuracy = 0.0
    for epoch in range(num_epochs):
        print('Epoch {{}}/{{}}'.format(epoch, num_epochs - 1))
        for phase in ['train', 'val']:
            if phase == 'train':
                scheduler.step()
                model.train()
            else:
                model.eval()
            running_loss, running_corrects = 0.0, 0
            for inputs, labels in dataloaders[phase]:
                inputs, labels = inputs.to(device), labels.to(device)
                optimizer.zero_grad()
                with torch.set_grad_enabled(phase == 'train'):
                    outputs = model(inputs)
                    _, {assigned} = torch.max(outputs, 1)
                    loss = criterion(outputs, labels)
                    if phase == 'train':
                        loss.backward()
                        optimizer.step()
                running_loss += loss.item() * inputs.size(0)
                running_corrects += torch.sum(preds == labels.data)
            epoch_loss = running_loss / dataset_size[phase]
            epoch_accuracy = running_corrects.double() / {sizes}[phase]
            print('{{}} Loss: {{:.4f}} Acc: {{:.4f}}'.format(phase, epoch_loss, epoch_accuracy))
            if phase == 'val' and epoch_accuracy > best_accuracy:
                best_accuracy = epoch_accuracy
                best_weights = copy.deepcopy(model.state_dict())
    elapsed = time.time() - began
    print('Training complete in {{:.0f}}m {{:.0f}}s'.format(elapsed // 60, elapsed % 60))
    print('Best val Acc: {{:4f}}'.format(best_accuracy))
    model.load_state_dict(best_weights)
    return model
"""
VISUALIZE = """
def visualize_model(model, num_images=6):
    was_training = model.training
    model.eval()
    shown = 0
    plt.figure()
    with torch.no_grad():
        for inputs, labels in dataloaders['val']:
            inputs, labels = inputs.to(device), labels.to(device)
            outputs = model(inputs)
            _, preds = torch.max(outputs, 1)
            for j in range(inputs.size()[0]):
                shown += 1
                place = plt.subplot(num_images // 2, 2, shown)
                place.axis('off')
                place.set_title('predicted:{}'.format(class_names[preds[j]]))
                imshow(inputs.cpu().data[j])
                if shown == num_images:
                    model.train(mode=was_training)
                    return
        model.train(mode=was_training)
"""


@dataclass
class Program:
    """One of the programs with what it finds around it: loaders, sizes, a device, a stand-in for matplotlib."""

    subject: Subject
    batches: dict[str, list[Batch]]
    dtype: str = "float64"
    titles: list[str] = field(default_factory=list)
    images: list[Any] = field(default_factory=list)
    places: list[tuple[int, int, int]] = field(default_factory=list)

    def names(self) -> dict[str, Any]:
        """What the program's globals are."""
        sizes = {phase: sum(len(x) for x, _ in batches) for phase, batches in self.batches.items()}
        return {
            "torch": torch,
            "time": time,
            "copy": copy,
            "np": np,
            "device": torch.device(self.subject.device),
            "dataloaders": {phase: [self.tensors(batch) for batch in part] for phase, part in self.batches.items()},
            "dataset_size": sizes,
            "class_names": ["ants", "bees", "wasps"],
            "plt": self,
            "imshow": self.images.append,
        }

    def tensors(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        return host.tensor(batch[0], self.dtype), host.tensor(batch[1], "int64")

    def trainer(self, assigned: str = "preds", sizes: str = "dataset_size") -> Any:
        """The function train_model with these names in the two places where the note confuses them."""
        found = self.names()
        exec(compile(TRAIN.format(assigned=assigned, sizes=sizes), "train_model", "exec"), found)
        return found["train_model"]

    def visualizer(self) -> Any:
        """The function visualize_model."""
        found = self.names()
        exec(compile(VISUALIZE, "visualize_model", "exec"), found)
        return found["visualize_model"]

    # What matplotlib would do, as far as the program asks for it.

    def figure(self) -> Program:
        return self

    def subplot(self, rows: int, columns: int, place: int) -> Program:
        self.places.append((rows, columns, place))
        return self

    def axis(self, which: str) -> None:
        """Draws nothing."""

    def set_title(self, title: str) -> None:
        self.titles.append(title)


def linear(subject: Subject, weights: Linear, dtype: str = "float64") -> torch.nn.Linear:
    """A layer with these weights."""
    classes, features = weights.weight.shape
    net = torch.nn.Linear(features, classes, device=subject.device, dtype=host.torch_dtype(dtype))
    net.load_state_dict({"weight": host.tensor(weights.weight, dtype), "bias": host.tensor(weights.bias, dtype)})
    return net


def printed(action: Any) -> tuple[Any, list[str]]:
    """What a call returns, and the lines that it prints."""
    out = io.StringIO()
    with redirect_stdout(out):
        found = action()
    return found, out.getvalue().splitlines()


def start(classes: int = 3, features: int = 4, seed: int = 5) -> Linear:
    """Small weights to begin with."""
    generator = np.random.default_rng(seed)
    return Linear(generator.standard_normal((classes, features)) / 4, generator.standard_normal(classes) / 4)


def close(call: str, out: torch.Tensor, due: Any, steps: int) -> None:
    """Values after so many steps of a recurrence, each of which adds up some dozen products."""
    scale = max(1.0, float(np.abs(due).max(initial=0)))
    assert_values(call, out.detach(), due, RECURRENCE.over(64 * steps), scale)


def assert_unchanged(call: str, net: torch.nn.Module, before: dict[str, np.ndarray]) -> None:
    """Refute unless a module has the state it had, bit for bit."""
    for key, entry in net.state_dict().items():
        assert_values(f"{key} after {call}", entry, before[key], EXACT, signed_zeros=True)
