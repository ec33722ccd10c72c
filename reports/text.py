"""Words and numbers as a reader sees them, and text made safe for the place where it is shown."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

# What a terminal, XML or a reader's eye may take for a command: control characters but tab and newline,
# lone surrogates, the characters that turn the direction of writing, and the two that XML forbids.
UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
MARKDOWN = re.compile(r"([\\`*_{}\[\]#|~!])")


def plain(text: object) -> str:
    """Any text with the unsafe characters written as Python escapes, so that they show."""
    return UNSAFE.sub(lambda found: found.group().encode("unicode_escape", "backslashreplace").decode(), str(text))


def one_line(text: object, limit: int = 200) -> str:
    """The text on one line, cut after `limit` characters with an ellipsis."""
    joined = " ".join(plain(text).split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"


def clip(text: str, limit: int = 4000) -> str:
    """Long text without its middle; what was left out is counted, and the run file has it all."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out; the run file has them …\n{text[-half:]}"


def markdown(text: object) -> str:
    """Text on one line that Markdown shows as it is, inside a table too."""
    return MARKDOWN.sub(r"\\\1", html.escape(" ".join(plain(text).split()), quote=False))


def code(text: object) -> str:
    """Text as code in Markdown, whatever it holds."""
    return f"<code>{markdown(text)}</code>"


def fence(text: str, language: str = "") -> str:
    """A Markdown code block whose fence is longer than any in the text."""
    longest = max((len(found) for found in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}{language}\n{plain(text).rstrip()}\n{ticks}"


def count(number: int, one: str, many: str = "") -> str:
    """'1 check', '2,000 checks'; `many` where the plural is more than an added s."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def seconds(value: float) -> str:
    """A duration, in the unit that reads best."""
    if 0 < value < 0.001:
        return "<1 ms"
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    if value < 99.5:
        return f"{value:.1f} s"
    if value < 5970:
        return f"{value / 60:.0f} min"
    return f"{value / 3600:.1f} h"


def margin(value: float | None) -> str:
    """A share of the allowed error, or nothing where no tolerance was used."""
    if value is None:
        return ""
    return f"{value:.2g}" if value < 100 else f"{value:.0f}"


def joined(words: Iterable[str], last: str = "and") -> str:
    """'a', 'a and b', 'a, b and c'."""
    found = list(words)
    return f" {last} ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a plain-text table: the first cell to the left, the others to the right."""
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    cells = [[cell.rjust(width) for cell, width in zip(row, widths, strict=True)] for row in rows]
    return ["  ".join([row[0].ljust(widths[0]), *right[1:]]) for row, right in zip(rows, cells, strict=True)]
