"""A run stopped at any epoch boundary, after any batch, by any signal, goes on to the very same
bits."""

import json
import signal
import time

import numpy as np
import pytest

from mnistlab import RunFolder
from tests.data.forms import FORMS
from tests.forks import started
from tests.reliability.bits import bits_of
from tests.reliability.stops import BATCHES, EPOCHS

RECIPES = ("lenet5", "custom_mlp", "best62k")


@pytest.fixture(scope="module")
def forks():
    return started()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("kernels", ["auto", "torch"])
@pytest.mark.parametrize("name", RECIPES)
def test_a_run_stopped_after_any_batch_ends_in_the_same_weights_optimiser_state_and_history(
    few, forks, tmp_path, name, kernels, threads, effort, account
):
    boundaries = [epoch * BATCHES for epoch in range(effort(1, 0), EPOCHS)]
    inside = [batch for batch in range(EPOCHS * BATCHES) if batch % BATCHES]
    random = np.random.default_rng([RECIPES.index(name), len(kernels), threads])
    inside = random.permutation(inside)[: effort(threads - 1, 20)].tolist()
    stops = random.permutation(boundaries)[: effort(2 - threads, EPOCHS)].tolist() + inside
    arguments = (tmp_path, few, name, kernels, threads, *stops)
    ended = forks.run(*arguments, cwd=tmp_path, call="tests.reliability.stops:try_stops")
    assert ended.returncode == 0, ended
    found = json.loads(ended.stdout)
    assert found["changed"] == []
    # Nothing is equal for want of being kept.
    names = found["tensors"]
    values = [key for key in names if key.startswith("model.")]
    buffers = [key for key in values if "running_" in key or "num_batches" in key]
    assert sum(key.startswith("optimizer.") for key in names) == len(values) - len(buffers)
    assert sum(key.startswith("average.") for key in names) == (len(values) - len(buffers)) * (
        name == "best62k"
    )
    assert bool(buffers) == (name != "lenet5")
    layers = "plain PyTorch" if kernels == "torch" else "native kernels"
    account(
        f"{name}, {layers}, started on {threads} thread{'s' if threads > 1 else ''}:"
        " stopped and resumed",
        tried=len(stops),
        outcome=(
            "weights, averages, optimiser's state, losses, accuracies and logits as undisturbed,"
            " bit for bit"
        ),
        at_boundaries=len(stops) - len(inside),
        in_mid_epoch=len(inside),
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory, mnist):
    """So many that the native kernels, which look up after 2048 images, can be stopped in
    mid-epoch."""
    parts = [(s.images[:n], s.labels[:n]) for s, n in ((mnist.train, 3072), (mnist.test, 100))]
    return FORMS["idx.gz"](tmp_path_factory.mktemp("images"), *parts)


@pytest.mark.parametrize("name", RECIPES)
def test_a_signal_at_a_random_moment_costs_nothing(
    tmp_path, name, images, forks, torture, effort, account
):
    if name == "best62k" and not torture:
        pytest.skip("takes long; it is stopped after a batch above")
    epochs = effort(1, 2 if name == "best62k" else 4)
    command = ["train", name, "--data", images, "--epochs", epochs, "--threads", 1, "--seed", 3]
    # Plain PyTorch, which looks up after every batch, is given fewer images, since it is slower.
    commands = {
        "auto": command,
        "torch": [*command, "--kernels", "torch", "--batch-size", 32, "--train-limit", 192],
    }
    whole, seconds = {}, {}
    for kernels, command in commands.items():
        process = forks.start(*command, "--run", kernels, cwd=tmp_path)
        process.wait_for("parameters")
        began = time.monotonic()
        assert process.wait().returncode == 0
        whole[kernels], seconds[kernels] = (
            bits_of(RunFolder(tmp_path / kernels)),
            time.monotonic() - began,
        )
    random = np.random.default_rng(RECIPES.index(name))
    wanted, stopped, inside, tried = effort(2, 20), 0, 0, 0
    while stopped < wanted:
        tried += 1
        assert tried < 10 * wanted, "nearly every run was over before its signal"
        kernels, number = (
            list(commands)[stopped % 2],
            (signal.SIGINT, signal.SIGTERM)[stopped // 2 % 2],
        )
        command = [*commands[kernels], "--run", f"{tried}"]
        process = forks.start(*command, cwd=tmp_path)
        process.wait_for("parameters")
        time.sleep(random.uniform(0, 0.6 * seconds[kernels]))
        process.send(number)
        ended = process.wait()
        if RunFolder(tmp_path / f"{tried}").finished:
            assert bits_of(RunFolder(tmp_path / f"{tried}")) == whole[kernels]
            continue
        stopped += 1
        assert ended.returncode == 128 + number, ended
        inside += "after batch 0 of" not in ended.stdout
        ended = forks.run(*command, "--resume", cwd=tmp_path)
        assert ended.returncode == 0, ended
        assert bits_of(RunFolder(tmp_path / f"{tried}")) == whole[kernels]
    account(
        f"{name}: SIGINT or SIGTERM at a random moment, then --resume",
        tried=stopped,
        outcome=(
            "a checkpoint and the signal's exit status; weights, logits and history as undisturbed,"
            " bit for bit"
        ),
        in_mid_epoch=inside,
    )
