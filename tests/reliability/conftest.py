"""How hard the tests of reliability try, and the account that they keep of it.

In ``make test`` each tries a little; ``make torture`` (``pytest tests/reliability --torture``)
tries it as often as docs/reliability.md says, and writes what happened to
``results/reliability/summary.json``.
"""

import json
import time

import pytest
from filelock import FileLock

import mnistlab
from mnistlab.runs.atomic import write_atomically
from mnistlab.runs.environment import describe_environment
from tests.reliability.table import SUMMARY


@pytest.fixture(scope="session")
def torture(request):
    """Whether to try as often as the published table says."""
    return request.config.getoption("--torture")


@pytest.fixture(scope="session")
def effort(torture):
    """``effort(quick, full)``: how often to try."""
    return lambda quick, full: full if torture else quick


@pytest.fixture
def account(request, torture):
    """``account(what, tried=, outcome=, **figures)``: one row of the table, kept when torturing, if
    the test passes.

    ``what`` says in words what was done, ``tried`` how often, ``outcome`` in words what happened;
    figures are numbers. A row replaces the one of the same test and the same words.
    """
    rows, began = [], time.monotonic()
    yield lambda what, *, tried, outcome, **figures: rows.append(
        {
            "part": request.path.stem.removeprefix("test_"),
            "what": what,
            "tried": tried,
            "outcome": outcome,
        }
        | figures
    )
    report = getattr(request.node, "report_of_call", None)
    if torture and rows and report is not None and report.passed:
        _keep(rows, seconds=round(time.monotonic() - began))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.report_of_call = report
    return report


def _keep(rows, seconds):
    SUMMARY.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(SUMMARY.parent / ".lock"):
        _merge(rows, seconds)


def _merge(rows, seconds):
    try:
        kept = json.loads(SUMMARY.read_text(encoding="utf-8"))["rows"]
    except FileNotFoundError:
        kept = []
    named = {(row["part"], row["what"]): row for row in kept}
    named |= {(row["part"], row["what"]): row | {"seconds": seconds} for row in rows}
    machine = describe_environment("cpu", 1, "")
    content = {
        "version": mnistlab.__version__,
        "command": "make torture",
        "machine": {
            "processor": machine.processor,
            "cores": machine.cores,
            "python": machine.versions["python"],
        },
        "rows": [named[key] for key in sorted(named)],
    }
    write_atomically(SUMMARY, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
