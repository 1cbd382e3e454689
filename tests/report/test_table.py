"""Tables in terminals of any width."""

import pytest

from mnistlab.report import Table

TABLE = Table(
    ("Recipe", "Accuracy %", "95 % interval"),
    (("lenet5", "99.14", "99.11 to 99.17"), ("a name that is longer than the terminal", "", "98.00 to 99.00")),
)


@pytest.mark.parametrize("width", [20, 24, 40, 60, 70, 100])
def test_no_figure_is_broken_and_no_line_too_long(width):
    text = TABLE.text(width)
    assert max(map(len, text.splitlines())) <= width
    for figure in ("99.14", "99.11 to 99.17", "98.00 to 99.00"):
        assert figure in text


def test_rows_that_do_not_fit_become_blocks():
    assert TABLE.text(40).splitlines()[:4] == [
        "Recipe: lenet5",
        "  Accuracy %     99.14",
        "  95 % interval  99.11 to 99.17",
        "Recipe: a name that is longer than the",
    ]
    assert TABLE.text(100).split()[:6] == ["Recipe", "Accuracy", "%", "95", "%", "interval"]
