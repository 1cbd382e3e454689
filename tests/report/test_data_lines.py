"""Data lines: each fact once, with the recipes that it is about."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from mnistlab import Recipe
from mnistlab.recipe import ModelInput
from mnistlab.report import write_course_report
from mnistlab.report.data_lines import data_lines, note_lines, note_list
from mnistlab.report.evaluation_report import write_evaluation_report
from mnistlab.report.page import image_source
from mnistlab.report.repetition_report import write_repetition_report
from mnistlab.report.robustness_report import write_robustness_report
from mnistlab.statistics import RunGroup, evaluate, summarise
from mnistlab.statistics.robustness import measure_robustness
from tests.statistics.records import made_record

LOST = "the images' colour is lost: the model takes grey images only"
GREY = ModelInput(
    channels=1, height=28, width=28, fit="pad", mean=(0.25,), std=(0.5,), notes=(LOST,)
)
COLOUR = ModelInput(
    channels=3, height=28, width=28, fit="pad", mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.5)
)
NOTE = "no test set: 1,000 images are held out as one; 3 files that are not pictures are left out"


def run(name, model_input, seed=0):
    record = made_record(Recipe(name=name), seed)
    data = record.data.model_copy(update={"channels": 3, "note": NOTE})
    return record.model_copy(update={"data": data, "input": model_input})


def test_what_all_recipes_share_is_said_without_their_names():
    runs = {"one": [run("one", COLOUR, seed) for seed in (0, 1)], "two": [run("two", COLOUR)]}
    assert data_lines(runs) == [
        "made: 5,000 training and 1,000 test images of 28x28 pixels, in colour, 10 classes",
        "model input: 28x28 pixels, in colour, fit = pad, mean 0.1, 0.2, 0.3, standard deviation"
        " 0.5",
        "no test set: 1,000 images are held out as one",
        "3 files that are not pictures are left out",
    ]


def test_where_recipes_differ_each_line_says_which_it_is_about():
    runs = {"one": [run("one", GREY)], "two": [run("two", COLOUR)], "three": [run("three", GREY)]}
    inputs = [line for line in data_lines(runs) if line.startswith("model input")]
    assert [line.partition(":")[0] for line in inputs] == [
        "model input (one, three)",
        "model input (two)",
    ]
    assert note_lines(runs)[2:] == [f"{LOST} (one, three)"]


def test_notes_are_a_list_in_markdown_or_nothing():
    assert note_list(["a *b*", "c"]) == ["- note: a \\*b\\*.\n- note: c.\n"]
    assert note_list([]) == []
    assert note_lines({"plain": [made_record()]}) == []


@pytest.mark.usefixtures("undrawn")
def test_reports_say_what_was_lost(tmp_path):
    group = RunGroup.of("one", [run("one", GREY), run("one", GREY, 1)])
    write_repetition_report(tmp_path / "repetition", group, summarise(group))
    write_course_report(*group.records, tmp_path / "course")
    labels = np.arange(20) % 2
    evaluation = evaluate(np.eye(2, dtype=np.float32)[1 - labels], labels, ("a", "b"))
    colour = np.random.default_rng(0).integers(0, 256, (20, 3, 9, 6), np.uint8)
    write_evaluation_report(
        evaluation, tmp_path / "evaluation", title="One", notes=[LOST], images=colour
    )
    robustness = measure_robustness({"A": {"none": labels == 1, "fog": labels == 0}})
    examples = dict(zip(("none", "fog"), colour, strict=False))
    write_robustness_report(
        robustness, tmp_path / "robustness", title="A", notes=[LOST], examples=examples
    )
    for folder in tmp_path.iterdir():
        assert (folder / "table.md").read_text("utf-8").count(f"- note: {LOST}.\n") == 1
        assert LOST in (next(folder.glob("*.json"))).read_text("utf-8")
        if (page := folder / "report.html").exists():
            assert page.read_text("utf-8").count(LOST.replace("'", "&#39;")) == 1


def test_pictures_in_a_page_keep_their_colour():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 9, 6), np.uint8)
    content = base64.b64decode(image_source(pixels).partition(",")[2])
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), pixels.transpose(1, 2, 0))
