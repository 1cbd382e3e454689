"""The learning-rate range test: known curves, a quadratic, and real recipes."""

import csv
import json
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mnistlab
from mnistlab import Recipe, make_dataset
from mnistlab.cli.app import app, run
from mnistlab.data import Split
from mnistlab.errors import MnistlabError, RecipeError, TrainingError
from mnistlab.report.learning_rate_plot import draw_range_test
from mnistlab.training.learning_rate_finder import judge, smooth, suggest

# Several threads on a shared core wait for each other.
find = partial(mnistlab.find_learning_rate, threads=1)
RATES = np.geomspace(1e-6, 10, 141)


@settings(deadline=None, max_examples=30)
@given(centre=st.floats(-4.5, -1), height=st.floats(0.5, 3), noise=st.integers(0, 99))
def test_the_middle_of_a_descent_is_found_whatever_follows(centre, height, noise):
    """A logistic descent in the logarithm of the rate is steepest at its centre."""
    decades = np.log10(RATES)
    losses = 3 - height / (1 + np.exp(-4 * (decades - centre)))
    losses += np.random.default_rng(noise).normal(0, 0.01, len(losses))
    losses[decades > centre + 2] += 50
    found = judge(RATES, losses, diverged=True)
    assert abs(np.log10(found.suggestion) - centre) < 0.35


def test_gradient_descent_on_a_quadratic_is_suggested_a_stable_rate():
    """On w**2 / 2 a step multiplies w by 1 - rate: beyond 2 it diverges, and 1 is the best."""
    weight, losses = 5.0, []
    for rate in RATES:
        losses.append(weight**2 / 2)
        weight -= rate * weight
    found = judge(RATES, np.array(losses), diverged=True)
    assert 0.01 < found.suggestion < 1


def test_a_negative_loss_is_judged_as_any_other():
    decades = np.log10(RATES)
    losses = -3 / (1 + np.exp(-4 * (decades + 3))) - 0.1
    found = judge(RATES, losses, diverged=False)
    assert abs(np.log10(found.suggestion) + 3) < 0.35
    low, high = (
        draw_range_test(found.rates, found.losses, found.smoothed, found.suggestion, "it")
        .axes[0]
        .get_ylim()
    )
    assert low < losses.min() < losses.max() < high
    with pytest.raises(TrainingError, match="does not fall at any learning rate"):
        judge(RATES, np.full(141, -2.3), diverged=False)


def test_a_loss_of_ones_own_may_be_negative(small_mnist, tmp_path):
    file = tmp_path / "own.py"
    file.write_text("def mean(x, y):\n    return -x.softmax(1).gather(1, y[:, None]).mean()\n")
    result = find("mlp", small_mnist, loss=f"{file}:mean", steps=60, stop=1.0)
    assert len(result.test.losses) == 60
    assert result.test.losses.max() < 0
    assert 0.001 < result.suggestion < 1


def test_smoothing_does_not_lag():
    peak = np.zeros(81)
    peak[40] = 1
    smoothed = smooth(peak)
    assert smoothed.argmax() == 40
    np.testing.assert_allclose(smoothed, smoothed[::-1])
    np.testing.assert_allclose(smooth(np.full(30, 2.5)), 2.5)


@pytest.mark.parametrize("losses", [np.full(141, 2.3), np.linspace(2, 3, 141)])
def test_a_loss_that_does_not_fall_gives_no_suggestion(losses):
    with pytest.raises(TrainingError, match="does not fall at any learning rate from 1e-06 to 10"):
        suggest(RATES, losses)


def test_a_real_network_is_suggested_a_rate_at_which_it_learns(small_mnist):
    result, again = (find("lenet5", small_mnist, train_limit=300) for _ in range(2))
    assert result.test.losses.tolist() == again.test.losses.tolist()
    assert result.kernels != "torch"
    assert 0.003 < result.suggestion < 0.1
    # Although an epoch has three batches.
    assert len(result.test.rates) > 100
    other = find("lenet5", small_mnist, seed=1, steps=60)
    assert other.test.losses[0] != result.test.losses[0]


def test_plain_pytorch_measures_the_same(small_mnist):
    one, other = (
        find("mlp", small_mnist, steps=60, kernels=kernels, stop=0.1)
        for kernels in ("auto", "torch")
    )
    assert (one.kernels != "torch") == (other.kernels == "torch")
    np.testing.assert_allclose(one.test.losses, other.test.losses, rtol=1e-3)


def test_the_test_images_are_not_looked_at(small_mnist):
    dark = Split(np.zeros_like(small_mnist.test.images), small_mnist.test.labels[::-1].copy())
    blind = make_dataset("small", small_mnist.train, dark)
    one, other = (find("mlp", data, steps=60, stop=1.0) for data in (small_mnist, blind))
    assert one.test.losses.tolist() == other.test.losses.tolist()


def test_the_first_step_is_the_recipes_own(small_mnist):
    """Its loss at first is that of training's first batches, augmentation and dropout included."""
    recipe = Recipe(rotation=30, dropout=0.5, batch_norm=True)
    result = find(recipe, small_mnist, steps=40)
    trained = mnistlab.train(
        recipe.replace(batch_size=600, epochs=1, learning_rate=1e-7), small_mnist
    )
    assert abs(result.test.losses[:4].mean() - trained.record.history[0].train_loss) < 0.15


def test_the_command_writes_a_plot_a_table_and_figures(tmp_path, few, capsys):
    words = [
        "lr",
        "mlp",
        "--data",
        str(few),
        "--steps",
        "60",
        "--threads",
        "1",
        "--out",
        str(tmp_path / "lr"),
    ]
    limited = ["--set", "optimizer=adamw", "--train-limit", "500", "--json"]
    assert run(app, [*words, *limited]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert "500 of 600 training images, drawn once at random" in figures["notes"]
    assert figures["recipe"]["optimizer"] == "adamw"
    assert 1e-5 < figures["suggestion"] < 0.05
    with (tmp_path / "lr/learning_rate.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["rate"]) for row in rows] == pytest.approx(figures["rates"])
    assert json.loads((tmp_path / "lr/learning_rate.json").read_text())["rates"] == figures["rates"]
    assert (tmp_path / "lr/learning_rate.png").read_bytes().startswith(b"\x89PNG")
    assert run(app, [*words]) == 0
    assert "learning_rate = " in capsys.readouterr().out


def test_a_notebook_shows_the_sentence_and_the_plot(small_mnist):
    shown = find("mlp", small_mnist, steps=60)._repr_html_()
    assert "is suggested for mlp" in shown
    assert "data:image/png;base64," in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 0}, "the rate rises, from above 0"),
        ({"start": 1, "stop": 0.1}, "the rate rises, from above 0 to at most 1000"),
        ({"stop": float("nan")}, "the rate rises"),
        ({"steps": 3}, "`steps=3`: must be from 20 to 10,000"),
        ({"kernels": "fast"}, "fast: no such kernels"),
        ({"start": 5.0}, "start from a lower one with `start=`"),
    ],
)
def test_impossible_rates_are_refused(small_mnist, options, message):
    with pytest.raises((RecipeError, MnistlabError)) as caught:
        find("lenet5", small_mnist, **options)
    assert message in str(caught.value)
