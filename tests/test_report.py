"""A report says in one table what happened and what was broken, and only a run that broke nothing is good."""

from tests.report import Report, table


def test_a_promise_that_was_kept_is_shown_and_one_that_was_broken_is_explained() -> None:
    kept = Report("sqlite", {"flips": 12, "  told after, s": 0.25}, {"lost": []})
    broken = Report("postgresql", {"flips": 7}, {"lost": ["token 1900"]}, ["seed 17"])
    assert (kept.good, broken.good) == (True, False)
    assert table(kept, broken).splitlines() == [
        "                 sqlite  postgresql",
        "flips                12           7",
        "  told after, s    0.25           0",
        "lost                  0           1",
        "lost: token 1900",
        "seed 17",
    ]


def test_a_figure_over_its_bar_is_a_broken_promise() -> None:
    report = Report("sqlite", {"online at once": 1, "  replaced after, s": 16.5})
    report.hold({"online at once": 1})
    assert report.good
    report.hold({"  replaced after, s": 15})
    assert report.broken == {"replaced after, s, at most 15": ["16.50"]}


def test_what_came_of_several_runs_is_added_up() -> None:
    report = Report("sqlite")
    report.add({"flips": 3}, {"lost": []})
    report.add({"flips": 4, "edits": 1}, {"lost": ["token 1900"]})
    assert report.figures == {"flips": 7, "edits": 1}
    assert report.broken == {"lost": ["token 1900"]}
