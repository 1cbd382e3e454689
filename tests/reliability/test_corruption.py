"""Damaged files of every kind: one line that names the file, or the right answer; never a wrong
one."""

import numpy as np
import pytest

from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.network import Network
from tests.reliability.damage import Gauge, cuts, flip, flips, read_or_refusal
from tests.reliability.kinds import KINDS

ALLOWANCE = 128 << 20
"""Bytes beyond twice the file's size: what decoders and sessions take for themselves."""


@pytest.fixture(params=KINDS)
def kind(request, tmp_path):
    (tmp_path / "made").mkdir()
    return request.param, KINDS[request.param](tmp_path / "made")


@pytest.fixture
def outcomes(kind):
    """Reads contents in the place of the file, and counts what came of them."""
    _, made = kind
    sound = made.read()
    names = (str(made.file), *made.names)
    assert made.same(sound, made.read())

    def run(contents, legal):
        refused = unharmed = changed = 0
        with Gauge() as gauge:
            for content in contents:
                made.file.write_bytes(content)
                found, line = read_or_refusal(made.read, *names)
                if line is not None:
                    refused += 1
                elif made.same(sound, found):
                    unharmed += 1
                else:
                    assert legal, (
                        f"another result, silently; {len(content)} bytes, kept as {made.file}"
                    )
                    assert legal(sound, found), f"more than one place differs; kept as {made.file}"
                    changed += 1
        assert gauge.peak <= 2 * made.file.stat().st_size + ALLOWANCE
        return {"refused": refused, "unharmed": unharmed, "changed": changed}

    return run


def _told(counts, what):
    words = f"{counts['refused']:,} refused in one line, {counts['unharmed']:,} read as undamaged"
    return (
        words
        + (f", {counts['changed']:,} {what}" if counts["changed"] else "")
        + "; no wrong result, no crash"
    )


def test_a_cut_file_is_refused_or_read_as_it_was(kind, outcomes, effort, account):
    name, made = kind
    content, random = made.file.read_bytes(), np.random.default_rng(3)
    lengths = cuts(len(content), effort(24, made.header), random, effort(24, 1000))
    counts = outcomes((content[:length] for length in lengths), made.cut)
    assert counts["refused"] > 0
    account(
        f"{name}: cut at every byte of its header and at 1,000 places",
        tried=len(lengths),
        outcome=_told(counts, "read as the part that was left"),
        **counts,
    )


def test_a_flipped_bit_is_noticed_or_changes_nothing_else(kind, outcomes, effort, account):
    name, made = kind
    content, random = made.file.read_bytes(), np.random.default_rng(4)
    places = flips(len(content), random, effort(48, 10_000))
    counts = outcomes((flip(content, *place) for place in places), made.flipped)
    account(
        f"{name}: a bit flipped",
        tried=len(places),
        outcome=_told(counts, "read with just the flipped value, in a format without checksums"),
        **counts,
    )


def test_a_model_without_a_checksum_is_read_or_refused_whatever_is_flipped(
    tmp_path, effort, account
):
    content, file = shipped_models()["lenet5"].read_bytes(), tmp_path / "model.onnx"
    random, refused = np.random.default_rng(5), 0
    places = flips(len(content), random, effort(10, 1000))
    # What the graph itself says stands in the first and the last tenth; the rest is weights.
    places += flips(len(content) // 10, random, effort(10, 1000))
    for place in places:
        file.write_bytes(flip(content, *place))
        found, line = read_or_refusal(
            lambda: Network(file).logits(np.zeros((1, 28, 28), np.uint8)), str(file)
        )
        refused += line is not None
        assert line or found.shape[0] == 1
    account(
        "ONNX model of an earlier version, without a checksum: a bit flipped",
        tried=len(places),
        outcome="each refused in one line or read as a model; no crash",
        refused=refused,
    )
