"""The run: plan, records, crashes and hangs of workers, the file, the page, the summary. Runs on the controller."""

from __future__ import annotations

import datetime
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from conformance import bugreport, environment, plan, reproducer
from conformance.plugin.judging import KEY
from conformance.plugin.state import ROOT, State
from conformance.recorder import Recorder, uncovered
from conformance.run import SCHEMA, Detail, Record, Run
from conformance.verdict import Verdict


class Leaving:
    """In a worker: leave the plan where the controller finds it."""

    def __init__(self, state: State) -> None:
        self.state = state

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self, session: pytest.Session) -> None:
        given = session.config.workerinput  # type: ignore[attr-defined]
        if given["workerid"] == "gw0":
            plan.save(self.state.plan, Path(given["plan"]))


class Recording:
    """On the controller: collects the workers' records, or its own, and closes the run."""

    def __init__(self, config: pytest.Config, state: State) -> None:
        self.config, self.state = config, state
        self.workers = bool(getattr(config.option, "numprocesses", None))
        self.recorder: Recorder | None = None
        self.run: Run | None = None
        self.page = ""
        self.began: dict[str, float] = {}
        self.ended: set[str] = set()

    def pytest_report_header(self) -> list[str]:
        state, names = self.state, ", ".join(self.state.subjects)
        lines = [
            f"torch-conformance: judging {names} (torch {state.release}), effort {state.effort}, seed {state.seed}"
        ]
        if not self.workers:
            lines.append("isolation: none, so a crash or hang of the subject ends the run (-n 2 contains it)")
        return lines

    # -- the plan --------------------------------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell each worker where to leave its plan (xdist)."""
        node.workerinput["plan"] = str(Path(tempfile.gettempdir()) / f"plan-{node.workerinput['testrunuid']}.json")

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any) -> None:
        path = Path(node.workerinput["plan"])
        if self.recorder is None and path.exists():
            self.state.plan = plan.load(path)
            path.unlink()
            self._open()

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_finish(self) -> None:
        if not self.workers and not self.config.option.collectonly:
            self._open()

    def _open(self) -> None:
        if not self.state.plan:
            return
        state = self.state
        profiles = {name: subject.profile for name, subject in state.subjects.items()}
        self.recorder = Recorder(state.path, state.catalogue, profiles, state.release)
        lost = self._uncovered()
        self.recorder.open(self._header(lost))
        for record in lost:
            self.recorder.add(record)

    def _header(self, lost: list[Record]) -> dict[str, Any]:
        state, option = self.state, self.config.option
        rows = [row for subject in state.subjects.values() for row in subject.profile.expectations]
        return {
            "kind": "header",
            "schema": SCHEMA,
            "suite": environment.suite(),
            "environment": environment.environment(["pytest", *self.config.invocation_params.args]),
            "subjects": [subject.describe() for subject in state.subjects.values()],
            "effort": state.effort,
            "seed": state.seed,
            "planned": len(state.plan) + len(lost),
            "selection": {"claims": option.claim, "areas": option.area},
            "deselected": state.deselected,
            "started": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "uncovered": sorted({record.claim for record in lost}),
            "expectations": [row.to_json() for row in rows],
        }

    def _uncovered(self) -> list[Record]:
        """Claims of the selection that no collected check tries, when nothing else narrowed the run."""
        if not self.state.whole:
            return []
        tried = {planned.claim for planned in self.state.plan.values()}
        claims = [self.state.catalogue[claim] for claim in self.state.selected - tried]
        rest = sorted(claim.id for claim in claims if not claim.untestable and claim.kind != "cost")
        return [uncovered(claim, subject) for claim in rest for subject in self.state.subjects]

    # -- the records -----------------------------------------------------------------------------------------------

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.began[nodeid] = time.monotonic()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: Any) -> None:
        if self.recorder is None or report.nodeid not in self.state.plan or report.nodeid in self.ended:
            return
        found = dict(report.user_properties).get(KEY)
        if found is not None:
            found = {key: value for key, value in found.items() if key not in ("kind", "detail")} | {
                "detail": Detail(**found["detail"])
            }
            self._add(report.nodeid, Record(**found))
        elif report.when not in ("setup", "call", "teardown"):
            self._add(report.nodeid, self._lost(report))
        elif report.failed and report.when != "teardown":
            # Set-up that blew up before any check could: the suite's fault, not the subject's.
            planned = self.state.plan[report.nodeid]
            self._add(report.nodeid, planned.record(str(Verdict.BROKEN), message=str(report.longrepr)[:2000]))

    def _lost(self, report: Any) -> Record:
        """The record of a check whose worker died: by itself, or because its time was up."""
        seconds = time.monotonic() - self.began.get(report.nodeid, time.monotonic())
        limit = self._limit()
        hung = 0 < limit <= seconds + 0.5
        verdict = Verdict.TIMED_OUT if hung else Verdict.CRASHED
        text = f"no answer in {limit:g} s" if hung else "the process ended in the middle of the check"
        record = self.state.plan[report.nodeid].record(str(verdict), message=text)
        record.seconds, record.examples = round(seconds, 3), 1
        return record

    def _limit(self) -> float:
        """The seconds that a check may take, as pytest-timeout knows them; 0 without a limit."""
        if not self.config.pluginmanager.hasplugin("timeout"):
            return 0.0
        return float(self.config.getoption("timeout", None) or self.config.getini("timeout") or 0)

    def _add(self, nodeid: str, record: Record) -> None:
        assert self.recorder is not None
        self.ended.add(nodeid)
        self.recorder.add(record)

    # -- the end ---------------------------------------------------------------------------------------------------

    @pytest.hookimpl(hookwrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Any:
        yield
        whole = (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.NO_TESTS_COLLECTED)
        if self.recorder is None or session.exitstatus not in whole:
            return  # interrupted: the file stays cut off, and every report refuses it
        for nodeid, planned in self.state.plan.items():
            if nodeid not in self.ended:
                self.recorder.add(planned.record(str(Verdict.NOT_RUN), message="the run ended before it"))
        reproducer.verify(self.recorder.records)
        self.run = self.recorder.close()
        if not self.config.option.no_page:
            self.page = _write_page(self.state.path)
        clean = not self.run.surprises and not self.run.stale
        others = session.testsfailed > sum(record.verdict not in _QUIET for record in self.run.records)
        session.exitstatus = pytest.ExitCode.OK if clean and not others else pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if self.run is None:
            return
        terminalreporter.section("conformance")
        says = {claim.id: claim.says for claim in self.state.catalogue.values()}
        for line in bugreport.summary(self.run, says):
            terminalreporter.write_line(line)
        terminalreporter.write_line(f"run:  {_short(self.state.path)}")
        if self.page:
            terminalreporter.write_line(f"page: {self.page}")


_QUIET = {Verdict.HELD, Verdict.ABSENT, Verdict.UNSUPPORTED, Verdict.NOT_RUN, Verdict.INCONCLUSIVE}


def _short(path: Path) -> Path:
    absolute = path.resolve()
    return absolute.relative_to(Path.cwd()) if absolute.is_relative_to(Path.cwd()) else absolute


def _write_page(path: Path) -> str:
    """Render the page in a process of its own, as `python -m reports page` does: reports know nothing of pytest.

    Returns where it is, or why there is none.
    """
    page = path.with_suffix(".html")
    command = [sys.executable, "-m", "reports", "page", str(path.resolve()), "-o", str(page.resolve())]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return str(_short(page)) if done.returncode == 0 else f"none: {done.stderr.strip()}"
