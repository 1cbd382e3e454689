"""The bits of short trainings: the published ones, by every build that promises them."""

import json
import os
import subprocess
import sys

import pytest
import torch

from mnistlab.kernels import SAME_BITS, installed, load_library
from mnistlab.kernels.library import processor_level
from mnistlab.training import fingerprint
from mnistlab.training.fingerprint import PUBLISHED, Fingerprint, take_fingerprint
from mnistlab.training.trainer import Trainer
from tests.kernels.fingerprint import DOCS, PRINTED

RENEW = "if it is meant to change: python -m tests.kernels.fingerprint"
PARTS = """
import json
from mnistlab.training.fingerprint import take_fingerprint
found = take_fingerprint()
print(json.dumps([found.build, found.parts]))
"""
LEVELS = {"x86_64_v4": 4, "x86_64_v3": 3}


def test_this_build_gives_the_published_hash():
    if load_library().build not in SAME_BITS:
        pytest.skip(f"no hash is published for {load_library().build}")
    found = take_fingerprint()
    assert found.parts == PUBLISHED, RENEW
    assert found.describe() == f"{found.total}, as published"


def test_it_uses_every_operation_and_loss():
    used, losses = set(), set()
    for recipe, module in fingerprint.trainings():
        trainer = Trainer(recipe, fingerprint.digits(), 0, torch.device("cpu"), module=module)
        used |= {node.operation for node in trainer.backend._plan.graph.nodes}
        losses.add(recipe.loss)
    assert used == set(load_library().operations())
    assert losses == set(load_library().losses())


def test_the_documentation_shows_the_published_hash():
    found = PRINTED.findall(DOCS.read_text("utf-8"))
    assert [digits for _, digits, _ in found] == [fingerprint.total(PUBLISHED)], RENEW


@pytest.mark.parametrize("build", SAME_BITS)
def test_another_build_on_a_pytorch_of_fewer_instructions_gives_it_too(build):
    if build not in installed() or LEVELS[build] > processor_level():
        pytest.skip(f"{build} is not installed, or not for this processor")
    if build == load_library().build:
        pytest.skip(f"{build} is in use in this process")
    fewer = {
        "MNISTLAB_KERNELS": build,
        "ATEN_CPU_CAPABILITY": "avx2",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL",
    }
    done = subprocess.run(
        [sys.executable, "-c", PARTS], env=os.environ | fewer, capture_output=True, check=True
    )
    assert json.loads(done.stdout) == [build, PUBLISHED], RENEW


def test_a_difference_is_named():
    parts = PUBLISHED | {"losses": "0123456789ab"}
    found = Fingerprint("x86_64_v3", parts)
    assert found.different == ("losses",)
    assert found.total != fingerprint.total(PUBLISHED)
    assert found.describe() == (
        f"{found.total}, not as published ({fingerprint.total(PUBLISHED)});"
        " different: losses 0123456789ab"
    )


def test_other_processors_are_told_that_theirs_is_not_comparable():
    for build in ("x86_64_v2", "generic"):
        found = Fingerprint(build, PUBLISHED)
        assert found.describe().startswith(f"{found.total}, not comparable: ")
