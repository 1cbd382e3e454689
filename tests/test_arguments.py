"""What the functions of the package say of values of another kind than they take."""

import numpy as np
import pytest
from torch import nn

import mnistlab
from mnistlab import MnistlabError


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (60, 8, 8)).astype(np.uint8), np.arange(60) % 3
    return mnistlab.make_dataset(
        "marks", mnistlab.Split(images, labels), mnistlab.Split(images, labels)
    )


@pytest.fixture(scope="module")
def trained(data):
    return mnistlab.train("mlp", data, epochs=1, batch_size=20)


A_COUNT = "must be a whole number from 1 to 1,024; found"


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: mnistlab.load(None), "run: must be a finished run's folder; found NoneType"),
        (lambda: mnistlab.evaluate(None), "model: must be a trained model, .*; found NoneType"),
        (lambda: mnistlab.evaluate(nn.Flatten()), "model: must be .* name; found Flatten"),
        (lambda: mnistlab.evaluate("lenet5", shifts="2"), "shifts: must be .* 0 to 4; found '2'"),
        (lambda: mnistlab.Recogniser(None), "model: must be a shipped model's name or a file"),
        (lambda: mnistlab.Recogniser(threshold="0.8"), "threshold: must be a prob.*; found '0.8'"),
        (lambda: mnistlab.Recogniser(threshold=2), "threshold: must be a probability.*; found 2"),
        (
            lambda: mnistlab.export(3, "model.onnx"),
            r"run: must be a finished run's folder \(.*\); found int",
        ),
        (lambda: mnistlab.export("reader", "a.html", web=True), "a.html: name a folder"),
        (lambda: mnistlab.evaluate_robustness("lenet5", seed="1"), "seed: must be a whole number"),
        (lambda: mnistlab.export("run", None), "target: must be .*; found NoneType"),
        (lambda: mnistlab.train("mlp", threads="1"), f"threads: {A_COUNT} '1'"),
        (lambda: mnistlab.train("mlp", threads=0), f"threads: {A_COUNT} 0"),
        (lambda: mnistlab.train("mlp", threads=100_000), f"threads: {A_COUNT} 100000"),
        (lambda: mnistlab.train("mlp", threads=True), f"threads: {A_COUNT} True"),
        (lambda: mnistlab.train("mlp", seed=1.0), "seed: must be a whole number from 0 to .* 1.0"),
        (lambda: mnistlab.train("mlp", folder=3), "folder: must be a path; found int"),
        (lambda: mnistlab.compare("mlp", "lenet5", workers=0), f"workers: {A_COUNT} 0"),
        (lambda: mnistlab.repeat("mlp", threads=1.5), f"threads: {A_COUNT} 1.5"),
        (lambda: mnistlab.repeat("mlp", margin=1), "margin: is for comparing recipes"),
        (lambda: mnistlab.ablation("mlp", max_seeds=6), "max_seeds: is for comparing recipes"),
        (lambda: mnistlab.find_learning_rate("mlp", threads=0), f"threads: {A_COUNT} 0"),
        (lambda: mnistlab.load_dataset(fit="stretch"), "fit: must be one of pad, .*; found 'str"),
    ],
)
def test_a_value_of_another_kind_is_refused_in_one_line(call, says):
    with pytest.raises(MnistlabError, match=says) as refused:
        call()
    assert "\n" not in str(refused.value)


def test_a_model_in_memory_is_no_run(trained, tmp_path):
    file = tmp_path / "model.onnx"
    for call in (mnistlab.load, mnistlab.Recogniser, lambda one: mnistlab.export(one, file)):
        with pytest.raises(MnistlabError, match=r"found TrainedModel$"):
            call(trained)


def test_an_experiment_takes_no_data_in_memory(data):
    with pytest.raises(MnistlabError, match=r"data: must be .*, which every run reads by itself"):
        mnistlab.compare("mlp", "lenet5", data=data)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 8, 8), np.float32),
        np.zeros((2, 9, 9), np.uint8),
        np.zeros((2, 2, 8, 8), np.uint8),
    ],
)
def test_logits_are_of_images_like_the_runs_alone(trained, images):
    with pytest.raises(MnistlabError, match=r"images: must be uint8, \(n, 1, 8, 8\), .* found"):
        trained.logits(images)


def test_numpys_numbers_and_paths_are_taken(data, tmp_path):
    trained = mnistlab.train(
        "mlp",
        data,
        epochs=1,
        batch_size=20,
        threads=np.int64(1),
        seed=np.int64(3),
        folder=tmp_path / "run",
    )
    assert trained.record.seed == 3
