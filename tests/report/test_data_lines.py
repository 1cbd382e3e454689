"""Data lines: each fact once, with the recipes that it is about."""

from mnistlab import Recipe
from mnistlab.recipe import ModelInput
from mnistlab.report.data_lines import data_lines, note_lines, note_list
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
