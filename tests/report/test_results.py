"""The published results follow from the records beside them."""

from pathlib import Path

from mnistlab import RunFolder
from mnistlab.report import markdown_table, text_table

COURSE = Path(__file__).parents[2] / "results" / "course"


def records():
    folders = [next((COURSE / "runs").glob(f"{name}-*")) for name in ("lenet5", "custom_mlp")]
    return [RunFolder(folder).read_record() for folder in folders]


def test_the_course_table_is_that_of_its_records():
    assert (COURSE / "table.md").read_text(encoding="utf-8") == markdown_table(records())
    assert (COURSE / "table.txt").read_text(encoding="utf-8") == text_table(records())


def test_both_models_land_where_the_course_did():
    for record in records():
        assert (record.seed, len(record.history), record.recipe.batch_size) == (0, 50, 128)
        assert (record.data.name, record.data.train_images, record.data.test_images) == ("mnist", 60_000, 10_000)
        assert 0.990 <= record.final.test_accuracy <= 0.993
