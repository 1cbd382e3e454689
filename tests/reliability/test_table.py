"""The published account is the one that was kept."""

from tests.reliability.table import PAGE, page


def test_the_document_holds_the_account_as_it_was_kept():
    assert PAGE.read_text(encoding="utf-8") == page(), "run python -m tests.reliability.table"
