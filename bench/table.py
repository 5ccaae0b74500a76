"""Tables of figures, as Markdown."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

Row: TypeAlias = Sequence[str | float | None]


def show(head: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a table, its first column text and the others numbers."""
    cells = [list(head), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| "
        + " | ".join(
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        + " |"
        for row in cells
    ]
    rule = (
        "| "
        + " | ".join("-" * (width - bool(column)) + ":" * bool(column) for column, width in enumerate(widths))
        + " |"
    )
    print("", lines[0], rule, *lines[1:], "", sep="\n")


def _cell(value: str | float | None) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else f"{value:,.2f}"
