"""Data lines: what models were trained and tested on, in plain sentences for reports."""

from collections.abc import Iterable, Mapping, Sequence

from mnistlab.recipe import TESTED_IMAGES, ModelInput
from mnistlab.runs import RunRecord
from mnistlab.statistics import RunGroup, Summary
from mnistlab.text import listed, markdown

Runs = Mapping[str, Sequence[RunRecord]]
Inputs = Mapping[str, Sequence[ModelInput]]


def data_lines(runs: Runs) -> list[str]:
    """Return sentences without full stops: which images there are, what the models were given, and
    what :func:`note_lines` says.

    Args:
        runs: on the same data, by their recipe's label.
    """
    records = [record for own in runs.values() for record in own]
    data, on = records[0].data, records[0].recipe.tested_on
    images = (
        f"{data.name}: {trained_on(records)} training and {data.test_images:,}"
        f" {TESTED_IMAGES[on]} of {shape(data.image_size, data.channels)},"
        f" {len(data.classes)} classes"
    )
    return [images, *input_lines(_inputs(runs)), *note_lines(runs)]


def trained_on(records: Iterable[RunRecord]) -> str:
    """Return how many images runs were trained on: ``54,000 or 60,000``."""
    return " or ".join(f"{count:,}" for count in sorted({r.data.train_images for r in records}))


def note_lines(runs: Runs) -> list[str]:
    """Return what has to be said of the data, what was chosen or lost in fitting them to the
    models, and which weights these started from, each once.

    Args:
        runs: on the same data, by their recipe's label.
    """
    notes = {
        label: [note for record in own for note in record.data.notes] for label, own in runs.items()
    }
    said = [f"{note}{whose}" for note, whose in _by_label(notes).items()]
    own = {
        label: [note for record in records for note in record.notes]
        for label, records in runs.items()
    }
    return [*said, *_stopping_notes(runs), *_labelled(own)]


def when(summaries: Sequence[Summary]) -> str:
    """Say after which epoch recipes' figures were measured."""
    last = "after the last epoch"
    if not any(summary.stops_early for summary in summaries):
        return last
    best = "with the weights of the best epoch on the watched images"
    return best if all(s.stops_early for s in summaries) else f"{last} or, if stopped early, {best}"


def _stopping_notes(runs: Runs) -> list[str]:
    """Say when early stopping ended runs, and which epochs' weights the figures are of."""
    said: dict[str, list[str]] = {label: [] for label in runs}
    for label, own in runs.items():
        kept = [record.kept.epoch for record in own if record.kept]
        ends = [len(record.history) for record in own]
        if kept and own[0].is_pooled:
            said[label].append(
                "early stopping: training ended for each fold by itself, after epoch"
                f" {max(ends)} at the latest, and the figures are of the weights of its best epoch"
                f" on the watched images, epoch {max(kept)} at the latest"
            )
        elif kept:
            said[label].append(
                f"early stopping: training ended after epoch {_range(ends)}, and the figures are of"
                f" the weights of epoch {_range(kept)}, the best on the watched images"
            )
    return [f"{line}{whose}" for line, whose in _by_label(said).items()]


def _range(numbers: Sequence[int]) -> str:
    low, high = min(numbers), max(numbers)
    return f"{low} to {high}" if low < high else f"{low}"


def of_groups(groups: Iterable[RunGroup]) -> dict[str, Sequence[RunRecord]]:
    """Return the records of each group by its label, as the functions here take them."""
    return {group.label: group.records for group in groups}


def input_lines(inputs: Inputs) -> list[str]:
    """Return what models were given; a line says which models if it is not about all of them."""
    described = _by_label({label: map(_describe, own) for label, own in inputs.items()})
    return [f"model input{whose}: {said}" for said, whose in described.items()]


def input_notes(inputs: Inputs) -> list[str]:
    """Return what was chosen or lost by that; as :func:`input_lines`."""
    return _labelled(
        {label: [note for one in own for note in one.notes] for label, own in inputs.items()}
    )


def note_list(notes: Iterable[str]) -> list[str]:
    """Return notes as a list in Markdown, a block of it or none."""
    items = "".join(f"- note: {markdown(note)}.\n" for note in notes)
    return [items] if items else []


def shape(size: tuple[int, int], channels: int) -> str:
    """Return for example ``28x28 pixels, grey``."""
    return f"{size[0]}x{size[1]} pixels, {'grey' if channels == 1 else 'in colour'}"


def _describe(given: ModelInput) -> str:
    means, deviations = (
        ", ".join(f"{value:g}" for value in (values[:1] if len(set(values)) == 1 else values))
        for values in (given.mean, given.std)
    )
    return (
        f"{shape((given.height, given.width), given.channels)}, fit = {given.fit}, mean {means},"
        f" standard deviation {deviations}"
    )


def _inputs(runs: Runs) -> Inputs:
    return {label: [record.model_input for record in own] for label, own in runs.items()}


def _labelled(notes: Mapping[str, Iterable[str]]) -> list[str]:
    return [f"{note}{whose}" for note, whose in _by_label(notes).items()]


def _by_label(said: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Return each sentence once, with the labels that it is about unless it is about all."""
    labels: dict[str, list[str]] = {}
    for label, sentences in said.items():
        for sentence in dict.fromkeys(sentences):
            labels.setdefault(sentence, []).append(label)
    return {
        sentence: "" if len(about) == len(said) else f" ({listed(about)})"
        for sentence, about in labels.items()
    }
