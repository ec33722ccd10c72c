"""`python -m reports`: runs in, pages, texts and exit codes out."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from conformance.claim import FOLDER, Catalogue, CatalogueError, catalogue
from conformance.run import Run, UnusableRun, read
from reports import columns
from reports.badge import badge
from reports.compare import compare
from reports.exits import Exit, described
from reports.gate import Answer, gate, neutral
from reports.junit import junit
from reports.notes import as_markdown
from reports.page import page
from reports.reproduce import execute, scripts
from reports.summary import summary
from reports.text import one_line


class OutputError(OSError):
    """The output cannot be written; the message says where and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code, as `Exit` describes them."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (UnusableRun, CatalogueError) as error:
        return _complain(error, Exit.UNUSABLE)
    except OutputError as error:
        return _complain(error, Exit.USAGE)


def _complain(error: Exception, code: Exit) -> int:
    print(f"reports: {one_line(error, 1000)}", file=sys.stderr)
    return int(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reports",
        description="Reports about runs of the suite. A run that was cut off is refused by every command.",
        epilog=f"exit codes:\n{described()}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _Adder(commands)
    _add_judging(add)
    _add_writing(add)
    return parser


class _Adder:
    """Adds commands that share their options and their description of exit codes."""

    # What add_subparsers returns, _SubParsersAction, has no public name.
    def __init__(self, commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
        self.commands = commands

    def __call__(self, name: str, command: Callable[[argparse.Namespace], Exit], text: str) -> argparse.ArgumentParser:
        parser = self.commands.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=f"exit codes:\n{described()}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(command=command)
        parser.add_argument("--claims", type=Path, default=FOLDER, metavar="FOLDER", help="another catalogue of claims")
        return parser


def _add_judging(add: _Adder) -> None:
    command = add("gate", _gate, "judge a run, by itself or by a baseline, with an exit code to match")
    command.add_argument("run", metavar="RUN")
    command.add_argument("--baseline", metavar="BASE", help="an earlier run; what it had is not held against RUN")
    command.add_argument("--json", action="store_true", help="print the answer as JSON")
    command = add("compare", _compare, "say what changed between two runs, without judging it")
    command.add_argument("baseline", metavar="A")
    command.add_argument("run", metavar="B")
    command.add_argument("--json", action="store_true", help="print the differences as JSON")
    command = add("reproduce", _reproduce, "print the script that shows a refutation")
    command.add_argument("run", metavar="RUN")
    command.add_argument("claim", metavar="CLAIM")
    command.add_argument("--subject", help="the subject of the run, where it has several")
    command.add_argument(
        "--execute", action="store_true", help="run it in a fresh process instead; only for a run whose maker you trust"
    )
    command.add_argument("--python", default=sys.executable, metavar="EXE", help="the interpreter, with its torch")
    command.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="how long to wait (300)")


def _add_writing(add: _Adder) -> None:
    command = add("page", _page, "write one self-contained HTML page about some runs")
    command.add_argument("runs", nargs="+", metavar="RUN")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write it; - for stdout")
    command = add("junit", _junit, "write a run as JUnit XML")
    command.add_argument("run", metavar="RUN")
    command.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write it; - for stdout")
    for name, make, text in (
        ("summary", lambda run, claims: summary(run, claims), "print a run as Markdown, for the summary of a CI step"),
        ("badge", lambda run, claims: json.dumps(badge(run)) + "\n", "print the JSON of a badge"),
        ("notes", _notes, "print the notes' account as Markdown: how far each statement is right"),
    ):
        command = add(name, _printing(make), text)
        command.add_argument("run", metavar="RUN")


def _page(options: argparse.Namespace) -> Exit:
    _write(options.output, page([read(path) for path in options.runs], catalogue(options.claims)))
    return Exit.SOUND


def _junit(options: argparse.Namespace) -> Exit:
    _write(options.output, junit(read(options.run)))
    return Exit.SOUND


def _gate(options: argparse.Namespace) -> Exit:
    baseline = read(options.baseline) if options.baseline else None
    return _answer(gate(read(options.run), catalogue(options.claims), baseline), options)


def _compare(options: argparse.Namespace) -> Exit:
    claims = catalogue(options.claims)
    return _answer(neutral(compare(read(options.baseline), read(options.run), claims), claims), options)


def _reproduce(options: argparse.Namespace) -> Exit:
    found = scripts(read(options.run), options.claim, catalogue(options.claims), options.subject)
    script = found[0].detail.reproducer or ""
    print(f"reports: {one_line(columns.check_name(found[0]))} on {found[0].subject}", file=sys.stderr)
    if len(found) > 1:
        print(f"reports: {len(found) - 1} more scripts of this claim are in the run", file=sys.stderr)
    if not options.execute:
        _write("-", script if script.endswith("\n") else script + "\n")
        return Exit.SOUND
    reproduced, sentence = execute(script, options.python, options.timeout)
    _write("-", sentence + "\n")
    return Exit.SURPRISES if reproduced else Exit.SOUND


def _notes(run: Run, claims: Catalogue) -> str:
    return as_markdown(columns.columns([run]), claims)


def _printing(make: Callable[[Run, Catalogue], str]) -> Callable[[argparse.Namespace], Exit]:
    def command(options: argparse.Namespace) -> Exit:
        _write("-", make(read(options.run), catalogue(options.claims)))
        return Exit.SOUND

    return command


def _answer(answer: Answer, options: argparse.Namespace) -> Exit:
    _write("-", json.dumps(answer.data, indent=1) + "\n" if options.json else answer.text)
    return answer.exit


def _write(target: str, text: str) -> None:
    """Write a text to a file, wholly or not at all, or to stdout. Raises OutputError."""
    try:
        if target == "-":
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        path = Path(target)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        part.write_text(text, encoding="utf-8", errors="backslashreplace")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{target}: {error.strerror or error}") from None


if __name__ == "__main__":
    sys.exit(main())
