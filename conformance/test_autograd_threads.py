"""Grad modes and backward passes in several threads."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import torch

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.subject import Subject
from conformance.tables.autograd_modes import require_mode
from conformance.tables.gradients import exact, leaf

pytestmark = must_answer


@check("autograd.mode-per-thread")
def test_each_thread_has_a_mode_of_its_own(subject: Subject) -> None:
    seen: dict[str, Any] = {}

    def work(name: str) -> None:
        seen[f"{name} at first"] = torch.is_grad_enabled()
        with torch.no_grad():
            seen[f"{name} under no_grad"] = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        seen[f"{name} at last"] = torch.is_grad_enabled()

    def started(name: str) -> None:
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()

    started("a thread")
    require_mode(True, "after a thread switched its own off")
    with torch.no_grad():
        started("a thread started under no_grad")
        require_mode(False, "under no_grad after a thread ended")
    require_mode(True, "after all threads")
    wanted = {
        f"{who} {when}": when == "at first"
        for who in ("a thread", "a thread started under no_grad")
        for when in ("at first", "under no_grad", "at last")
    }
    require(seen == wanted, "the modes in other threads", wanted, seen)


@check("autograd.backward-in-threads")
def test_threads_can_go_back_at_once(subject: Subject) -> None:
    x = leaf(np.ones(17), subject)
    own = [leaf(np.full(17, float(n)), subject) for n in range(4)]

    def work(u: torch.Tensor) -> None:
        for _ in range(5):
            (u * u).sum().backward()

    threads = [threading.Thread(target=work, args=(u,)) for u in own]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for n, u in enumerate(own):
        exact(f"the gradient of thread {n}", u.grad, np.full(17, 10.0 * n))
    thread = threading.Thread(target=lambda: (x * 3).sum().backward())
    thread.start()
    thread.join()
    exact("x.grad of a pass in another thread", x.grad, np.full(17, 3.0))
