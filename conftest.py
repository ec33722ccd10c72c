"""Where pytest's language meets ours: options, and which checks are planned. The rest is in conformance/plugin."""

from __future__ import annotations

import os

# Threads that spin while they wait starve the other worker; numpy's own threads only get in the way of PyTorch's
# (the perf lane gives it as many where it is measured).
# Set before numpy and torch are imported, and only where the user has not.
for _name, _value in {"OMP_WAIT_POLICY": "PASSIVE", "KMP_BLOCKTIME": "0", "OPENBLAS_NUM_THREADS": "1"}.items():
    os.environ.setdefault(_name, _value)

from pathlib import Path

import pytest

from conformance import plan
from conformance.claim import CatalogueError, within
from conformance.plan import Planned
from conformance.plugin.state import DEFAULTS, EXAMPLES, PLANNED, ROOT, SETTLED, STATE, SUITES, State, load_effort
from conformance.profile import ProfileError
from conformance.recorder import UNCOVERED
from conformance.verdict import Verdict

pytest_plugins = ["pytester"]


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("conformance", "torch-conformance").addoption
    add("--device", action="append", default=[], metavar="DEVICE", help="judge this device (repeatable; default: cpu)")
    add("--profile", action="append", default=[], metavar="FILE", help="judge what a profile describes (repeatable)")
    add(
        "--claim",
        action="append",
        default=[],
        metavar="GLOB",
        help="only claims with such ids, as 'view.*' (repeatable)",
    )
    add("--area", action="append", default=[], metavar="GLOB", help="only claims of such areas (repeatable)")
    add(
        "--effort",
        choices=list(EXAMPLES),
        default=DEFAULTS["effort"],
        help="how much each property tries (default: gate)",
    )
    add("--seed", type=int, default=DEFAULTS["seed"], help="what every check's own seed is made from (default: 0)")
    add(
        "--record", metavar="FILE", help="where to write the run, as --record=FILE (default: reports/out/SUBJECT.jsonl)"
    )
    add("--no-page", action="store_true", help="write the run only, not the HTML page beside it")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "check(claim, since=None, until=None, uncovered=False): a check of one claim")
    config.addinivalue_line("markers", "must_answer: exceptions that PyTorch raises here refute the claim")
    if config.option.help or config.option.version:
        return
    worker = hasattr(config, "workerinput")
    if worker or getattr(config.option, "numprocesses", None):
        # A hang ends its worker as a crash does; xdist then starts another one, however often it takes.
        config.option.timeout_method = "thread"
        config.option.maxworkerrestart = config.option.maxworkerrestart or "100000"
    load_effort(config.option.effort)
    try:
        state = config.stash[STATE] = State(config)
    except (CatalogueError, ProfileError, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    from conformance.plugin.judging import Judging  # these import torch
    from conformance.plugin.recording import Leaving, Recording

    config.pluginmanager.register(Judging(state), "conformance-judging")
    config.pluginmanager.register(Leaving(state) if worker else Recording(config, state), "conformance-recording")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --claim or --area, do not even import the modules of other areas."""
    state = config.stash.get(STATE, None)
    inside = collection_path.suffix == ".py" and collection_path.parent in [ROOT / suite for suite in SUITES]
    if state is None or not inside or not state.narrowed:
        return None
    stem = collection_path.stem.removeprefix("test_")
    return None if any(stem == area or stem.startswith(f"{area}_") for area in state.areas) else True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "subject" in metafunc.fixturenames:
        subjects = metafunc.config.stash[STATE].subjects
        metafunc.parametrize("subject", subjects.values(), ids=list(subjects), scope="session")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Plan the checks of the selected claims; everything else stays as pytest left it."""
    state = config.stash[STATE]
    kept, dropped = [], []
    for item in items:
        mark = item.get_closest_marker("check")
        wanted = mark is None or _wanted(mark, state)
        (kept if wanted else dropped).append(item)
        if mark is not None and wanted:
            _plan(item, mark, state)
    items[:] = kept
    state.deselected = len(dropped)
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    if state.narrowed and not state.plan:
        raise pytest.UsageError(f"no check tries {', '.join(config.option.claim + config.option.area)} here")


def _wanted(mark: pytest.Mark, state: State) -> bool:
    claim = mark.args[0]
    if mark.kwargs["uncovered"]:
        return state.names(claim)
    try:
        return state.catalogue[claim].id in state.selected
    except CatalogueError as error:
        raise pytest.UsageError(str(error)) from None


def _plan(item: pytest.Item, mark: pytest.Mark, state: State) -> None:
    claim, params = mark.args[0], dict(item.callspec.params) if hasattr(item, "callspec") else {}
    subject = params.pop("subject", None)
    if subject is None:
        raise pytest.UsageError(f"{item.nodeid}: a check takes its device from the argument 'subject'; it has none")
    name = f"{item.nodeid.partition('::')[0]}::{item.originalname}"
    item.stash[PLANNED] = Planned(claim, name, {key: plan.plain(value) for key, value in params.items()}, subject.name)
    state.plan[item.nodeid] = item.stash[PLANNED]
    settled = _settled(mark, state, subject)
    if settled:
        item.stash[SETTLED] = settled


def _settled(mark: pytest.Mark, state: State, subject: object) -> tuple[Verdict, str] | None:
    """The verdict of a check that need not run at all, with its reason."""
    claim, profile = mark.args[0], subject.profile
    if mark.kwargs["uncovered"]:
        return Verdict.NOT_RUN, UNCOVERED
    bounds = mark.kwargs["since"], mark.kwargs["until"]
    if not state.catalogue[claim].exists_in(state.release) or not within(state.release, *bounds):
        return Verdict.ABSENT, f"not in torch {state.release}"
    if profile.areas is not None and claim.partition(".")[0] not in profile.areas:
        return Verdict.UNSUPPORTED, f"{profile.name} does not declare this area"
    return None
