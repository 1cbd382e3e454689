"""The course project's deliverables: a table and three plots, under the names that the course gave them."""

from pathlib import Path

from mnistlab.runs import RunRecord, write_atomically


def write_course_report(lenet5: RunRecord, custom_mlp: RunRecord, out: Path) -> list[Path]:
    """Write ``table.txt``, ``table.md`` and the three plots under ``plot/``.

    Returns:
        The files written.

    Raises:
        OSError: the folder cannot be written to.
    """
    from mnistlab.report.plots import learning_curves, png, test_comparison
    from mnistlab.report.table import markdown_table, text_table

    records = (lenet5, custom_mlp)
    contents: dict[str, bytes | str] = {
        "table.txt": text_table(records),
        "table.md": markdown_table(records),
        "plot/LeNet5_train_test_plot.png": png(learning_curves(lenet5)),
        "plot/Custom_model_train_test_plot.png": png(learning_curves(custom_mlp)),
        "plot/test_performance_comparison.png": png(test_comparison(records)),
    }
    (out / "plot").mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_atomically(out / name, content)
    return [out / name for name in contents]
