"""``mnistlab export``: a finished run's model as one ONNX file."""

from pathlib import Path

import click


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("model", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--data", help="The data that the run was trained on, if it lies elsewhere now.  [the recipe's]")
@click.option("--overwrite", is_flag=True, help="Replace MODEL if it is there.")
def export(run: Path, model: Path, data: str | None, *, overwrite: bool) -> None:
    """Write the model of RUN, a finished run's folder, to MODEL, one .onnx file that needs nothing else.

    It takes images as the data set holds them, and gives logits and calibrated probabilities. ONNX Runtime must read
    every test image as PyTorch does, or no file is written.
    """
    from mnistlab.errors import ExportError
    from mnistlab.runs import RunFolder

    folder = RunFolder(run)
    record = folder.read_record()
    if model.exists() and not overwrite:
        raise ExportError(f"{model}: is there already; give --overwrite to replace it, or name another file")
    from mnistlab.cli.session import load_with_progress
    from mnistlab.export import export_run
    from mnistlab.report import percent

    made = export_run(folder, model, load_with_progress(data or record.recipe.data))
    fitted_on, temperature = made.calibration.fitted_on, made.calibration.temperature
    calibrated = (
        f"temperature {temperature:g}, fitted on {fitted_on}" if fitted_on else "not calibrated (temperature 1)"
    )
    click.echo(
        f"wrote {model}, {made.size:,} bytes: {made.images:,} test labels equal, logits within {made.deviation:.1e}"
    )
    click.echo(f"accuracy {percent(made.accuracy)}, {calibrated}")
