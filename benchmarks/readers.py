"""Readers: this package's beside others, on a folder of pictures whose digits are known.

``python -m benchmarks.readers DIR`` measures all that are installed. RapidOCR is, after
``pip install rapidocr-onnxruntime``.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from benchmarks.tutorial import Tutorial
from mnistlab.evaluation import evaluate_reader
from mnistlab.evaluation.reader import Read
from mnistlab.evaluation.transcript import (
    TranscribedCharacter,
    Transcript,
    digits_of,
    transcribe,
)
from mnistlab.recogniser import Recogniser, shipped_models
from mnistlab.recogniser.network import Network
from mnistlab.report.reader_report import score_table
from mnistlab.report.table import Table
from mnistlab.runs import write_atomically
from mnistlab.text import to_json


def _package() -> Read:
    recogniser = Recogniser()
    return lambda content: transcribe(recogniser.read(content))


def _rapidocr() -> Read:
    # Not declared: whoever wants to compare installs it.
    package = import_module("rapidocr_onnxruntime")
    engine = package.RapidOCR(intra_op_num_threads=1, inter_op_num_threads=1)

    def read(content: bytes) -> Transcript:
        # Where it finds no line, the whole picture may be one.
        lines = engine(content)[0] or _one_line(engine, content)
        characters: list[TranscribedCharacter] = []
        confidence = 1.0
        for corners, text, probability in lines:
            xs, ys = zip(*corners, strict=True)
            box = (min(xs), min(ys), max(xs), max(ys))
            own = text.replace(" ", "")
            # It keeps lines of a probability of 0.5 and more.
            characters += [
                TranscribedCharacter(one, float(probability), sure=True, box=box) for one in own
            ]
            confidence *= float(probability)
        text = "\n".join(text for _, text, _ in lines)
        digits = digits_of(text)
        found = confidence if digits else 0.0
        return Transcript(text, digits, bool(digits), found, tuple(characters))

    return read


def _one_line(engine: Any, content: bytes) -> list[tuple[Any, str, float]]:
    nowhere = [(0.0, 0.0)] * 4
    found = engine(content, use_det=False)[0] or []
    return [(nowhere, text, probability) for text, probability in found if probability >= 0.5]


READERS: dict[str, Callable[[], Read]] = {
    "mnistlab": _package,
    "tutorial": lambda: Tutorial(Network(shipped_models()["lenet5"])),
    "rapidocr": _rapidocr,
}


def open_reader(name: str) -> Read:
    """Return a reader by its name, or what a function named as ``module:function`` returns.

    Raises:
        click.BadParameter: there is no such reader.
    """
    if name in READERS:
        return READERS[name]()
    module, colon, function = name.partition(":")
    if not colon:
        known = ", ".join(READERS)
        raise click.BadParameter(f"{name}: one of {known}, or module:function")
    try:
        read: Read = getattr(import_module(module), function)()
    except (ImportError, AttributeError) as error:
        raise click.BadParameter(f"{name}: {error}") from error
    return read


def installed() -> list[str]:
    """Return the names of readers that are installed."""
    return [name for name in READERS if name != "rapidocr" or find_spec("rapidocr_onnxruntime")]


@click.command()
@click.argument("pictures", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--reader", "names", multiple=True, help="One of them, or module:function.  [all]")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
def main(pictures: Path, names: tuple[str, ...], file: Path | None) -> None:
    """Let readers read the pictures of a folder with labels.csv."""
    figures: dict[str, Any] = {}
    for name in names or installed():
        click.echo(f"{name} ...", err=True)
        result = evaluate_reader(pictures, open_reader(name), title=name)
        scores = score_table(result.pictures)
        named = Table([name, *scores.columns[1:]], scores.values)
        click.echo("\n".join([result.verdict, *result.remarks, named.text(110)]))
        figures[name] = result.as_dict()
    if file:
        write_atomically(file, f"{to_json(figures)}\n")


if __name__ == "__main__":
    main()
