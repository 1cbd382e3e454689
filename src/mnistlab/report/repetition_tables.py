"""A repetition in words and tables: one row for the recipe, one row a run, one row a disputed
image.
"""

from mnistlab.recipe import TESTED_IMAGES
from mnistlab.report.table import Table, duration, interval_cell
from mnistlab.statistics import Summary
from mnistlab.statistics.interval import FEWEST
from mnistlab.statistics.summary import DisputedFigures
from mnistlab.statistics.verdict import span

_UNDISPUTED = "Without disputed labels (%)"


def repetition_sentence(figures: Summary) -> str:
    """Say what the recipe comes to, on which images, how surely, how large it is and how long it
    takes.
    """
    said = f"{figures.label}: {figures.accuracy:.2f} % of {tested_images(figures)}"
    if figures.interval:
        over = (
            f"on average over {len(figures.seeds)} seeds (95 % interval {span(figures.interval)}; "
        )
        said += f" {over}single runs {figures.lowest:.2f} to {figures.highest:.2f})"
    elif len(figures.seeds) == 1:
        said += f" in one run (seed {figures.seeds[0]}; one run has no interval)"
    else:
        runs = " and ".join(f"{accuracy:.2f}" for accuracy in figures.accuracies)
        said += (
            f" on average over {len(figures.seeds)} seeds ({runs}; an interval takes {FEWEST} seeds"
            " or more)"
        )
    return f"{said}, {figures.parameters:,} parameters, {duration(figures.seconds)} a run"


def repetition_remarks(figures: Summary) -> list[str]:
    """Say which runs are odd, and what it comes to without the images whose labels are disputed."""
    remarks = []
    if figures.odd_seeds:
        runs = dict(zip(figures.seeds, figures.accuracies, strict=True))
        odd = ", ".join(f"{runs[seed]:.2f} % with seed {seed}" for seed in figures.odd_seeds)
        middle = f"the mean of the middle half of the runs is {figures.interquartile_mean:.2f} %"
        remarks.append(f"far from the other runs: {odd}; {middle}")
    if found := figures.disputed:
        interval = f" (95 % interval {span(found.interval)})" if found.interval else ""
        remarks.append(
            f"without the {len(found.images)} images whose labels are disputed it is"
            f" {found.accuracy:.2f} %{interval}; of those {len(found.images)} a run reads"
            f" {found.read_as_labelled:.1f} as labelled on average"
        )
    return remarks


def tested_images(figures: Summary) -> str:
    """Name the images that the runs were tested on."""
    return TESTED_IMAGES[figures.tested_on]


def figure_table(figures: Summary) -> Table:
    """Return a single row. Accuracies and the interval are in percent of images, losses in nats."""
    noun, found = figures.tested_on.capitalize(), figures.disputed
    cells = {
        "Recipe": figures.label,
        "Parameters": f"{figures.parameters:,}",
        "Epochs": str(figures.epochs),
        "Seeds": str(len(figures.seeds)),
        f"{noun} accuracy (%)": f"{figures.accuracy:.2f}",
        "SD": "" if figures.std is None else f"{figures.std:.3f}",
        "95 % interval": interval_cell(figures.interval),
        "Median": f"{figures.median:.2f}",
        "Lowest": f"{figures.lowest:.2f}",
        "Highest": f"{figures.highest:.2f}",
        f"{noun} loss": f"{figures.loss:.4f}",
        "Training time a run": duration(figures.seconds),
    }
    if found:
        cells |= {
            _UNDISPUTED: f"{found.accuracy:.2f}",
            "95 % interval without": interval_cell(found.interval),
        }
    return Table(tuple(cells), (tuple(cells.values()),))


def seed_table(figures: Summary) -> Table:
    """Return one row a run: final accuracy in percent, images misread, loss in nats, training time
    in seconds.
    """
    headings = ("Seed", "Accuracy (%)", "Errors", "Loss", "Training seconds")
    rows = tuple(
        (str(seed), f"{accuracy:.2f}", str(errors), f"{loss:.4f}", f"{seconds:.1f}")
        for seed, accuracy, errors, loss, seconds in zip(
            figures.seeds,
            figures.accuracies,
            figures.errors,
            figures.losses,
            figures.training_seconds,
            strict=True,
        )
    )
    if not figures.disputed:
        return Table(headings, rows)
    others = figures.disputed.accuracies
    return Table(
        (*headings, _UNDISPUTED),
        tuple((*row, f"{other:.2f}") for row, other in zip(rows, others, strict=True)),
    )


def disputed_table(found: DisputedFigures) -> Table:
    """Return one row for each image whose label is disputed: its place in the test set, and the
    runs that agree.
    """
    runs = len(found.accuracies)
    rows = zip(found.images, found.as_labelled, strict=True)
    return Table(
        ("Image", "Read as labelled by"),
        tuple((str(image), f"{count} of {runs}") for image, count in rows),
    )
