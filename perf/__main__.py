"""`python -m perf compare`: is one torch installation slower than another, on this machine?"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any

from perf.compare import Comparison, WorkerError, compare
from perf.findings import Label


class Exit(IntEnum):
    """What an exit code means."""

    SOUND = 0
    REGRESSED = 1
    USAGE = 2
    UNUSABLE = 3


EPILOG = """exit codes: 0 no regression, 1 a regression, 2 usage, 3 an installation that cannot be measured.

The first --python is the base. Its own second process, timed in the same turns, shows how much noise there is; what
is found is measured once more with new processes and counts only if it is found again. Compare an installation with
itself to see that nothing is found."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns its exit code."""
    options = _parser().parse_args(arguments)
    if len(options.python) != 2:
        print("compare takes --python twice: the base and the other", file=sys.stderr)
        return Exit.USAGE
    pattern = options.k if any(sign in options.k for sign in "*?[") else f"*{options.k}*"
    try:
        found = compare(tuple(options.python), pattern, options.device, options.rounds)
    except WorkerError as error:
        print(error, file=sys.stderr)
        return Exit.UNUSABLE
    for line in lines(found):
        print(line)
    if options.json:
        Path(options.json).write_text(json.dumps(plain(found), indent=1), encoding="utf-8")
    return Exit.REGRESSED if found.regressions else Exit.SOUND


def _parser() -> argparse.ArgumentParser:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("python -m perf", description=__doc__, epilog=EPILOG, formatter_class=form)
    command = parser.add_subparsers(dest="command", required=True).add_parser(
        "compare", help="two torch installations, in turn", epilog=EPILOG, formatter_class=form
    )
    command.add_argument("--python", action="append", default=[], metavar="FILE", help="an interpreter (give two)")
    command.add_argument("-k", default="", metavar="PART", help="only cases with this in their names, or a glob")
    command.add_argument("--device", default="cpu")
    command.add_argument("--rounds", type=_rounds, default=15, metavar="N", help="turns of each case (default: 15)")
    command.add_argument("--json", metavar="FILE", help="write what was found as JSON, too")
    return parser


def _rounds(text: str) -> int:
    if not text.isdecimal() or int(text) < 5:
        raise argparse.ArgumentTypeError("takes a number of at least 5")
    return int(text)


def lines(found: Comparison) -> list[str]:
    """The comparison as a table: what changed first, then by name."""
    order = list(Label)
    rows = [("case", *(f"torch {release}" for release in found.releases), "ratio", "interval", "")]
    for one in sorted(found.findings, key=lambda one: (order.index(one.label), one.name)):
        times = (f"{1e6 * seconds:.4g} µs" for seconds in (one.base, one.other))
        rows.append((one.name, *times, f"{one.ratio:.3f}", f"{one.low:.3f} to {one.high:.3f}", str(one.label)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    table = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    counts = ", ".join(f"{sum(one.label is label for one in found.findings)} {label}" for label in Label)
    left = [f"left out: {name} ({reason})" for name, reason in found.left_out.items()]
    return [*table, *left, f"{len(found.findings)} cases: {counts}"]


def plain(found: Comparison) -> dict[str, Any]:
    """The comparison as plain values."""
    return {
        "releases": list(found.releases),
        "findings": [{**vars(one), "label": str(one.label)} for one in found.findings],
        "left_out": found.left_out,
    }


if __name__ == "__main__":
    sys.exit(main())
