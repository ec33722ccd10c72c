"""Training steps of LeNet and ResNet-18, and steps of optimisers over many small parameters."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from conformance.check import check
from perf.meter import Meter
from perf.networks import NETWORKS, OPTIMISERS, operations, optimiser_steps, steps
from perf.timing import Work, threads

# The loop in Python, which the others are compared with; each release knows these of the CPU but fused.
LOOP, FOREACH, FUSED = {"foreach": False}, {"foreach": True}, {"fused": True}


@check("perf.training-step")
@pytest.mark.parametrize("count", ["one", "all"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_training_step_costs_some_forward_passes(subject: Any, meter: Meter, name: str, count: str) -> None:
    make, shape, batch = NETWORKS[name]
    net, x = make().to(subject.device), torch.rand(batch, *shape, device=subject.device)
    with threads(1 if count == "one" else torch.get_num_threads()):
        forward, step = steps(net, x)
        works = Work.of(f"{name}, forward, batch of {batch}", forward), Work.of(f"{name}, training step", step)
        found = meter.compare(*works, least=1.0, most=15.0, threads=torch.get_num_threads())
        # Backward does at least what forward does, for the weights and, but in the first layer, for the inputs.
        size = 4 * sum(parameter.numel() for parameter in net.parameters())
        about = {"elements": x.numel(), "group": "training"}
        meter.figure(works[1], 3 * size, 2 * operations(net, x), **about)
        assert found.value > 0


def compare(meter: Meter, name: str, device: str, way: str, options: dict[str, bool]) -> None:
    with threads(1):
        ways = {"loop": LOOP, way: options}
        works = [Work.of(f"{name}, {how}", call) for how, call in optimiser_steps(name, device, ways)]
        meter.compare(works[0], works[1], most=1.5, threads=1, group="optimiser")


@check("perf.optimizer-foreach")
@pytest.mark.parametrize("name", OPTIMISERS)
def test_foreach_is_no_slower_than_the_loop(subject: Any, meter: Meter, name: str) -> None:
    compare(meter, name, subject.device, "foreach", FOREACH)


@check("perf.optimizer-fused")
@pytest.mark.parametrize("name", OPTIMISERS)
def test_fused_is_no_slower_than_the_loop(subject: Any, meter: Meter, name: str) -> None:
    compare(meter, name, subject.device, "fused", FUSED)
