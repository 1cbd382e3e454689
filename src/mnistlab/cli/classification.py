"""Classification: a model's classes for what the user named, written as they are found."""

import contextlib
import glob
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnistlab.cli.output import warn
from mnistlab.errors import DataError, MnistlabError, PictureError
from mnistlab.files import read_file
from mnistlab.text import counted

if TYPE_CHECKING:
    from mnistlab.cli.classification_sources import Found, Group, Item
    from mnistlab.prediction import Classifier, Prediction
    from mnistlab.prediction.files import Outcome

BATCH_SIZE = 256
_MUCH = 0.3
"""By how much nearer a negative's brightness has to be to the training images' to be spoken of."""
_SHOW_PROGRESS = 20


@dataclass(frozen=True)
class Wanted:
    """What of the answers is wanted, and how.

    Attributes:
        pictures: what the user named.
        style: ``text``, ``csv`` or ``json``.
        top: classes shown.
        threshold: below which a prediction is unsure; ``None`` is the usual one.
        submission: a file to write; ``None`` for none.
        columns: names of its columns.
        like: a sample of it.
        batch_size: pictures at once.
        jobs: processes that decode; ``None`` is one a core if that pays.
        device: on which a run's model is run.
        threads: CPU threads of a run's model; ``None`` is one per core.
        quiet: whether to show no progress.
        invert: whether to exchange black and white first.
    """

    pictures: tuple[str, ...]
    style: str = "text"
    top: int = 1
    threshold: float | None = None
    submission: Path | None = None
    columns: tuple[str, str] | None = None
    like: Path | None = None
    batch_size: int = BATCH_SIZE
    jobs: int | None = None
    device: str = "cpu"
    threads: int | None = None
    quiet: bool = False
    invert: bool = False


def classify_pictures(model: str, wanted: Wanted) -> int:
    """Classify, write, and return the exit status: 1 if something could not be read."""
    from mnistlab.classifier import open_classifier
    from mnistlab.cli.classification_answers import (
        COLUMNS,
        CsvWriter,
        JsonWriter,
        Submission,
        Writer,
    )
    from mnistlab.cli.classification_sources import find
    from mnistlab.cli.stopping import listening_for_stop
    from mnistlab.prediction import THRESHOLD

    threshold = THRESHOLD if wanted.threshold is None else wanted.threshold
    classifier = open_classifier(
        model, threshold=threshold, invert=wanted.invert, device=wanted.device
    )
    submission = None
    if wanted.submission is not None:
        _refuse_unwritable(wanted.submission)
        _refuse_inputs(wanted.submission, model, wanted)
        submission = Submission(wanted.columns or COLUMNS, wanted.like)
    given = sys.stdin.buffer.read() if "-" in wanted.pictures else b""
    found = find(wanted.pictures, given, classifier.classes)
    warn(*(f"note: {note}" for note in classifier.notes))
    _say(found, model)
    items = found.items
    kinds: dict[str, type[Writer]] = {"text": Writer, "csv": CsvWriter, "json": JsonWriter}
    done = failed = 0
    light = []
    with contextlib.ExitStack() as stack:
        if wanted.threads and Path(model).is_dir():
            from mnistlab.training.device import torch_threads

            stack.enter_context(torch_threads(wanted.threads))
        stop = stack.enter_context(listening_for_stop())
        writer = kinds[wanted.style](classifier, items, wanted.top)
        stack.enter_context(writer)
        advance = stack.enter_context(progress(len(items), "classifying", hidden=wanted.quiet))
        outcomes = chain.from_iterable(
            _outcomes(group, classifier, stop, wanted.jobs) for group in found.groups
        )
        while batch := list(islice(outcomes, wanted.batch_size)):
            for item, prediction, error in _classified(classifier, batch):
                writer.write(item, prediction, error)
                if prediction is not None:
                    light.append(prediction.image.mean())
                    if submission is not None:
                        submission.add(item, prediction.label)
                failed += prediction is None
                done += 1
            advance(len(batch))
            if stop():
                break
    _warn_of_negatives(light, classifier)
    if done < len(items):
        warn(f"stopped after {done:,} of {len(items):,}")
        return stop.exit_status
    if submission is not None and wanted.submission is not None:
        content = submission.content()
        replaced = ", in place of another one" if _differs(wanted.submission, content) else ""
        _write(content, wanted.submission)
        lacks = f"; {failed:,} that could not be read are not in it" if failed else ""
        warn(
            f"{wanted.submission}: {counted(done - failed, 'label')} as"
            f" {','.join(submission.columns)}{replaced}{lacks}"
        )
    return 1 if failed else 0


def _outcomes(
    group: "Group", classifier: "Classifier", stop: Callable[[], bool], processes: int | None
) -> "Iterator[tuple[Item, Outcome]]":
    from mnistlab.prediction.files import prepare_files

    if group.fault is not None:
        yield group.items[0], group.fault
    elif group.images is None:
        prepared = prepare_files(classifier.preparation, group.pictures, stop, processes)
        # Fewer if it is stopped.
        yield from zip(group.items, prepared, strict=False)
    else:
        for item, image in zip(group.items, group.images, strict=True):
            if stop():
                return
            try:
                yield item, classifier.preparation.prepare(image)
            except PictureError as error:
                yield item, str(error).removeprefix("picture: ")


def _classified(
    classifier: "Classifier", batch: "list[tuple[Item, Outcome]]"
) -> "Iterator[tuple[Item, Prediction | None, str | None]]":
    """Yield each item of a batch with its prediction, or what is wrong with it."""
    import numpy as np

    images = [outcome for _, outcome in batch if not isinstance(outcome, str)]
    predictions = iter(classifier.classify(np.stack(images)) if images else ())
    for item, outcome in batch:
        if isinstance(outcome, str):
            yield item, None, outcome
        else:
            yield item, next(predictions), None


def _say(found: "Found", model: str) -> None:
    for note in found.notes:
        warn(f"note: {note}")
    for name in found.labelled:
        warn(
            f"note: {name}: its labels are ignored; mnistlab evaluate {model} --data {name} tells"
            " how many are predicted correctly"
        )


def _warn_of_negatives(light: "list[Any]", classifier: "Classifier") -> None:
    """Say it if the pictures look like negatives of the training images."""
    usual = classifier.brightness
    if not light or usual is None:
        return
    found = float(sum(light)) / len(light) / 255
    if abs(found - usual) > abs(1 - found - usual) + _MUCH:
        warn(
            f"note: the pictures' mean brightness is {found:.2f}, the training images' was"
            f" {usual:.2f} (0 is black, 1 white); if light and dark are exchanged,"
            f" {'leave out' if classifier.preparation.invert else 'give'} --invert"
        )


def _refuse_unwritable(place: Path) -> None:
    if place.is_dir() or not place.parent.is_dir():
        what = "is a folder" if place.is_dir() else f"there is no folder {place.parent}"
        raise DataError(f"{place}: cannot be written: {what}")


def _refuse_inputs(place: Path, model: str, wanted: Wanted) -> None:
    """Refuse a submission that would replace what it is made from."""
    # A name may be a pattern, as pictures are.
    matched = [path for name in wanted.pictures for path in glob.glob(name)]  # noqa: PTH207
    read = [Path(name) for name in (model, *wanted.pictures, *matched)]
    if wanted.like:
        read.append(wanted.like)
    if place.exists() and any(place.samefile(path) for path in read if path.exists()):
        raise DataError(f"{place}: is read here, and would be lost; name another --submission")


def _differs(place: Path, content: bytes) -> bool:
    """Whether there is a file of other content."""
    try:
        return read_file(place) != content
    except OSError:
        return False


def _write(content: bytes, place: Path) -> None:
    from mnistlab.runs import write_atomically

    try:
        write_atomically(place, content)
    except OSError as error:
        raise MnistlabError(f"{place}: cannot be written: {error.strerror or error}") from error


@contextlib.contextmanager
def progress(total: int, verb: str, *, hidden: bool) -> Iterator[Callable[[int], None]]:
    """Draw a bar on standard error if it helps: there are many pictures, and no lines on this
    terminal tell as much.
    """
    if hidden or total <= _SHOW_PROGRESS or not sys.stderr.isatty() or sys.stdout.isatty():
        yield lambda _: None
        return
    from rich.progress import MofNCompleteColumn, Progress

    from mnistlab.cli.screen import Screen

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(
        *columns, console=Screen(stderr=True), redirect_stdout=False, transient=True
    ) as bars:
        task = bars.add_task(verb, total=total)
        yield lambda count: bars.advance(task, count)
