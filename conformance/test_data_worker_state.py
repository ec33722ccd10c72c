"""Workers of a DataLoader, by example: errors, seeds, and what they know of themselves."""

from __future__ import annotations

import torch
from torch.utils import data

from conformance.assertions import require
from conformance.check import check, must_answer
from conformance.tables.data_samples import (
    Draws,
    Failing,
    Infos,
    Squares,
    Uneven,
    all_are_slow,
    assert_is,
    flat,
    marked,
    outcomes,
    plain,
)

pytestmark = must_answer


# -- errors ------------------------------------------------------------------------------------------------------------

ERRORS = (
    ValueError("no such sample: 3"),
    IndexError("no such sample: 3"),
    RuntimeError("no such sample: 3"),
    OSError("no such sample: 3"),
    KeyError("no such sample: 3"),
)


@check("data.worker-exception")
def test_an_exception_reaches_the_main_process(subject):
    for workers, error in zip((0, 1, 2, 1, 2), ERRORS, strict=True):
        found = outcomes(data.DataLoader(Failing(4, 3, error), 2, num_workers=workers))
        assert_is("the first batch", found[0], [0, 1])
        require(type(found[1]) is type(error), f"{type(error).__name__} in a worker becomes {found[1]!r}")
        require("no such sample: 3" in str(found[1]), f"the message is lost: {found[1]}")
        if workers:
            require("__getitem__" in str(found[1]), f"the traceback of the worker is lost: {found[1]}")


@check("data.worker-exception-goes-on")
def test_the_following_batches_still_come(subject):
    for workers in (1, 2):
        found = outcomes(data.DataLoader(Failing(9, 2, ValueError("here")), 2, num_workers=workers))
        kinds = [type(each).__name__ if isinstance(each, Exception) else each for each in found]
        assert_is(f"one iteration with {workers} workers", kinds, [[0, 1], "ValueError", [4, 5], [6, 7], [8]])


@check("data.worker-timeout")
def test_a_slow_batch_times_out(subject):
    found = outcomes(data.DataLoader(Uneven(1, all_are_slow), num_workers=1, timeout=0.1))
    require(isinstance(found[0], RuntimeError), f"with a timeout of 0.1 seconds there comes {found[0]!r}")
    require("timed out" in str(found[0]), f"the error says {found[0]}")
    assert_is("with patience", flat(data.DataLoader(Squares(3), num_workers=1, timeout=60)), [[0], [1], [4]])


# -- seeds and settings ------------------------------------------------------------------------------------------------


def draws(workers=2, **options):
    """The draws of one epoch: (worker, its seed, the seed of torch, a number of torch, of Python, of numpy)."""
    loader = data.DataLoader(Draws(2 * workers), None, num_workers=workers, **options)
    return [(int(worker), int(seed), int(own), *numbers) for worker, seed, own, *numbers in loader]


@check("data.worker-seeds")
def test_each_worker_has_seeds_of_its_own(subject):
    epochs = [draws(3), draws(3)]
    bases = []
    for found in epochs:
        require(all(seed == own for _, seed, own, *_ in found), "get_worker_info().seed is not the seed of torch")
        base = {seed - worker for worker, seed, *_ in found}
        require(len(base) == 1, f"seeds minus numbers of the workers are {base}")
        bases.append(base.pop())
        for place, name in ((3, "torch"), (4, "random"), (5, "numpy")):
            numbers = [sample[place] for sample in found]
            require(len(set(numbers)) == len(numbers), f"two draws of {name} are alike: {numbers}")
    require(bases[0] != bases[1], "two epochs have one seed")
    loader = data.DataLoader(Draws(2), None, num_workers=1, persistent_workers=True)
    again = [[sample[3] for sample in loader] for _ in range(2)]
    require(len({*again[0], *again[1]}) == 4, f"a persistent worker repeats its draws: {again}")


@check("data.worker-seeds-repeat")
def test_a_seed_repeats_what_workers_draw(subject):
    found = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found.append(draws())
    require(found[0] == found[1], "the workers draw other numbers after the same torch.manual_seed")
    require(found[0] != found[2], "the workers draw the same numbers after another torch.manual_seed")
    found = []
    for seed, noise in ((1, 5), (1, 6), (2, 5)):
        torch.manual_seed(noise)
        found.append(draws(generator=torch.Generator().manual_seed(seed)))
    require(found[0] == found[1], "the workers draw other numbers with an equal generator")
    require(found[0] != found[2], "the workers draw the same numbers with another generator")


@check("data.worker-init-fn")
def test_worker_init_fn_is_called_in_each_worker(subject):
    own = Infos(6)
    loader = data.DataLoader(own, 1, num_workers=3, worker_init_fn=marked)
    found = [(worker.item(), mark) for worker, _, _, (mark,) in loader]
    due = [(place % 3, f"as it was, worker {place % 3} of 3") for place in range(6)]
    assert_is("workers, and what was written there", found, due)
    assert_is("the dataset of the main process", own.mark, "as it was")
    fixed = data.DataLoader(Draws(4), None, num_workers=2, worker_init_fn=lambda number: torch.manual_seed(7))
    found = {sample[3] for sample in fixed}
    torch.manual_seed(7)
    due = {torch.rand((), dtype=torch.float64).item(), torch.rand((), dtype=torch.float64).item()}
    assert_is("draws after a seed of one's own", found, due)
    called = []
    list(data.DataLoader(Squares(2), worker_init_fn=called.append))
    assert_is("calls without workers", called, [])


@check("data.worker-info")
def test_workers_know_who_they_are(subject):
    require(data.get_worker_info() is None, "there is worker information in the main process")
    for workers in (1, 3):
        found = [plain(sample) for sample in data.DataLoader(Infos(2 * workers), None, num_workers=workers)]
        due = [[place % workers, workers, True, "as it was"] for place in range(2 * workers)]
        assert_is("id, num_workers, whether the dataset is its own", found, due)
    require(data.get_worker_info() is None, "there is worker information in the main process afterwards")
    inside = flat(data.DataLoader(Squares(2), collate_fn=lambda batch: data.get_worker_info() is None))
    assert_is("no information without workers", inside, [True, True])
