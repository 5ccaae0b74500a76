"""What came of a long run, as its command prints it: figures, and what should not have been."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Report:
    """What came of a run, or of several; a column of the table."""

    name: str
    figures: dict[str, float] = field(default_factory=dict)
    """What happened, in the order of the table. A name that begins with blanks is a part of the one before."""
    broken: dict[str, list[str]] = field(default_factory=dict)
    """Each time at which a promise was broken, by promise; those that were kept are there, too."""
    remarks: list[str] = field(default_factory=list)
    """What helps to understand it."""

    @property
    def good(self) -> bool:
        """Whether all promises were kept."""
        return not any(self.broken.values())

    def add(self, figures: Mapping[str, float], broken: Mapping[str, Sequence[str]]) -> None:
        """Take in what came of a further run."""
        for name, more in figures.items():
            self.figures[name] = self.figures.get(name, 0) + more
        for promise, times in broken.items():
            self.broken.setdefault(promise, []).extend(times)

    def hold(self, bars: Mapping[str, float]) -> None:
        """Count it as broken where a figure is over its bar."""
        for name, bar in bars.items():
            if self.figures[name] > bar:
                self.broken[f"{name.strip()}, at most {bar:g}"] = [_cell(self.figures[name])]


def table(*reports: Report) -> str:
    """A column a report; first the figures, then how often each promise was broken, then in which way."""
    figures = dict.fromkeys(name for report in reports for name in report.figures)
    promises = dict.fromkeys(promise for report in reports for promise in report.broken)
    rows = {
        "": [report.name for report in reports],
        **{name: [_cell(report.figures.get(name, 0)) for report in reports] for name in figures},
        **{promise: [_cell(len(report.broken.get(promise, ()))) for report in reports] for promise in promises},
    }
    first = max(map(len, rows))
    widths = [2 + max(map(len, column)) for column in zip(*rows.values(), strict=True)]
    lines = [
        name.ljust(first) + "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
        for name, cells in rows.items()
    ]
    for report in reports:
        lines += [f"{promise}: {time}" for promise, times in report.broken.items() for time in times]
        lines += report.remarks
    return "\n".join(lines)


def _cell(number: float) -> str:
    return f"{number:.2f}" if number % 1 else f"{number:.0f}"


def end(*reports: Report) -> int:
    """Print what came of it; returns the exit code of the command."""
    sys.stdout.write(f"{table(*reports)}\n")
    return 0 if all(report.good for report in reports) else 1
