"""What the suite itself costs: `python -m meta_tests.bench` (tox -e bench). Ratios of one run, no gate."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

ROOT = Path(__file__).parent.parent
PLAIN = settings(
    max_examples=300, database=None, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claim", default="view.shares-memory", help="the claim whose first verdict is timed")
    claim = parser.parse_args().claim
    torch_import = process([sys.executable, "-c", "import torch"])
    collection = process(pytest("--collect-only"))
    first = process(pytest(f"--claim={claim}", "--effort=quick"))
    print(f"import torch                     {torch_import:8.2f} s")
    print(f"collection of every check        {collection:8.2f} s")
    print(f"first verdict of {claim:15} {first:8.2f} s   limit 3 x import + 2 s = {3 * torch_import + 2:.2f} s")
    generation()
    recording()


def process(command: list[str]) -> float:
    """Seconds of wall time that a command takes, the shorter of two runs."""
    return min(timed(lambda: subprocess.run(command, cwd=ROOT, capture_output=True, check=False)) for _ in range(2))


def pytest(*options: str) -> list[str]:
    record = Path(tempfile.gettempdir()) / "bench.jsonl"
    return [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--no-page", f"--record={record}", *options]


def timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def rate(strategy: st.SearchStrategy[object], action: Callable[[object], object] = lambda value: None) -> float:
    """Examples per second of a property that draws from a strategy and does something with the value."""

    @PLAIN
    @given(value=strategy)
    def prop(value: object) -> None:
        counted.append(None)
        action(value)

    counted: list[None] = []
    seconds = timed(prop)
    return len(counted) / seconds


def generation() -> None:
    """Examples per second: an empty property, drawing recipes, and building them with torch."""
    from conformance.profile import Profile
    from conformance.subject import Subject
    from properties.strategies.shapes import shapes
    from properties.strategies.tensors import broadcastable, tensors

    subject = Subject("cpu", "cpu", Profile())
    empty = rate(st.integers())
    rows = {
        "empty property (one integer)": empty,
        "shapes()": rate(shapes()),
        "tensors(float32)": rate(tensors("float32")),
        "tensors(float32), built": rate(tensors("float32"), lambda recipe: recipe.on(subject)),
        "broadcastable(2)": rate(broadcastable(2)),
    }
    for name, found in rows.items():
        print(f"{name:32} {found:8.0f} examples/s   {found / empty:5.2f} of the empty property")


def recording() -> None:
    """What writing the run costs, as a share of the run it records."""
    path = Path(tempfile.gettempdir()) / "bench.jsonl"
    subprocess.run(pytest("--area=view", "--effort=gate"), cwd=ROOT, capture_output=True, check=False)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    whole = lines[-1]["seconds"]
    copy = path.with_suffix(".copy")

    def write() -> None:
        with copy.open("w", encoding="utf-8", buffering=1) as stream:
            for line in lines:
                stream.write(json.dumps(line) + "\n")

    seconds = 2 * timed(write)  # once as it comes, once when the run is closed
    share = f"{100 * seconds / whole:.2f} % of a run of {whole:.1f} s"
    print(f"recording {len(lines):6} lines           {seconds:8.4f} s   {share}")


if __name__ == "__main__":
    main()
