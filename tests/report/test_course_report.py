import io

import numpy as np
import pytest
from PIL import Image

from mnistlab import EpochMetrics, RunRecord, built_in
from mnistlab.report import course_table, duration, write_course_report
from mnistlab.report.canvas import png
from mnistlab.report.run_plots import learning_curves
from mnistlab.report.run_plots import test_comparison as comparison
from mnistlab.runs import DataSummary, describe_environment, now


def record(name="lenet5", accuracies=(0.97, 0.991, 0.9903), parameters=61_706):
    history = tuple(
        EpochMetrics(
            epoch=epoch,
            train_loss=10.0**-epoch,
            train_accuracy=1 - 10.0**-epoch,
            test_loss=0.05 + 0.001 * epoch,
            test_accuracy=accuracy,
            train_seconds=4.0,
            test_seconds=0.5,
            images_per_second=15_000,
        )
        for epoch, accuracy in enumerate(accuracies, 1)
    )
    return RunRecord(
        recipe=built_in(name).replace(epochs=len(history)),
        seed=0,
        data=DataSummary(
            name="mnist",
            fingerprint="0",
            train_images=60_000,
            test_images=10_000,
            image_size=(28, 28),
            classes=tuple("0123456789"),
        ),
        parameters=parameters,
        history=history,
        environment=describe_environment("cpu", 2, "torch"),
        started=now(),
    )


def test_the_final_epoch_is_quoted_and_the_best_one_named_apart():
    final = record().final
    assert (final.test_accuracy, final.test_errors, final.best_epoch, final.best_test_accuracy) == (
        0.9903,
        97,
        2,
        0.991,
    )


def test_the_markdown_table():
    assert course_table(
        [record(), record("custom_mlp", parameters=62_158)]
    ).markdown().splitlines() == [
        "| Model | Parameters | Test accuracy | Test loss | Best epoch, picked on test | Time |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| LeNet-5 | 61706 | 99.03 % | 0.0530 | 99.10 % (2) | 13.5 s |",
        "| CustomMLP | 62158 | 99.03 % | 0.0530 | 99.10 % (2) | 13.5 s |",
    ]


def test_held_out_training_images_are_called_validation():
    held_out = [
        one.model_copy(update={"recipe": one.recipe.replace(validation=10_000)})
        for one in (record(), record("mlp"))
    ]
    assert course_table(held_out).headings == (
        "Model",
        "Parameters",
        "Validation accuracy",
        "Validation loss",
        "Best epoch, picked on validation",
        "Time",
    )
    curves = learning_curves(held_out[0])
    assert [text.get_text() for text in curves.legends[0].get_texts()] == ["train", "validation"]
    assert curves.get_suptitle() == "LeNet-5, validation accuracy 99.03 %"
    assert comparison(held_out).get_suptitle() == "Performance on the validation images"
    assert comparison([record()]).get_suptitle() == "Performance on the test set"


@pytest.mark.parametrize("width", [60, 80, 100])
def test_the_text_table_keeps_to_its_width_and_loses_no_figure(width):
    text = course_table([record()]).text(width)
    assert max(map(len, text.splitlines())) <= width
    assert "61706" in text
    assert "99.03 %" in text


def test_a_recipe_of_the_users_own_keeps_its_name():
    own = record().model_copy(update={"recipe": built_in("lenet5").replace(name="mine")})
    assert "| mine |" in course_table([own]).markdown()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min 00 s"),
        (203.6, "3 min 24 s"),
        (3725, "1 h 02 min"),
    ],
)
def test_durations_are_written_for_people(seconds, text):
    assert duration(seconds) == text


def test_learning_curves_draw_the_records_figures():
    figure = learning_curves(record())
    loss, accuracy = figure.axes
    assert np.allclose(
        [line.get_ydata() for line in loss.lines], [[0.1, 0.01, 0.001], [0.051, 0.052, 0.053]]
    )
    assert list(accuracy.lines[1].get_ydata()) == [0.97, 0.991, 0.9903]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["train", "test"]
    assert "99.03 %" in figure.get_suptitle()


def test_the_comparison_draws_each_runs_test_figures_in_its_own_colour():
    figure = comparison([record(), record("custom_mlp", (0.98, 0.99, 0.992))])
    loss, accuracy = figure.axes
    assert [line.get_ydata()[-1] for line in accuracy.lines] == [0.9903, 0.992]
    assert len({line.get_color() for line in loss.lines}) == 2
    assert len({line.get_linestyle() for line in loss.lines}) == 2


@pytest.mark.parametrize("epochs", [1, 2, 5, 50])
def test_any_number_of_epochs_can_be_drawn(epochs):
    picture = Image.open(
        io.BytesIO(png(learning_curves(record(accuracies=np.linspace(0.9, 0.99, epochs)))))
    )
    assert picture.size == (1300, 572)


def test_the_course_report_has_the_names_of_the_course(tmp_path):
    files = write_course_report(record(), record("custom_mlp"), tmp_path / "out")
    assert {str(file.relative_to(tmp_path / "out")) for file in files} == {
        "table.txt",
        "table.md",
        "summary.json",
        "plot/LeNet5_train_test_plot.png",
        "plot/Custom_model_train_test_plot.png",
        "plot/test_performance_comparison.png",
    }
    for file in files:
        if file.suffix == ".png":
            Image.open(file).verify()
