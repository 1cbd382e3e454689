"""A learning rate for a recipe: a range test, its plot and a suggestion."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mnistlab.arguments import thread_count
from mnistlab.data import Dataset
from mnistlab.data.loading import load_for, take_for
from mnistlab.errors import RecipeError
from mnistlab.recipe import Recipe, resolve_recipe
from mnistlab.report.result import Plots, Result, Tables
from mnistlab.report.result_files import write_results
from mnistlab.report.table import Table, number
from mnistlab.runs import refuse_seed
from mnistlab.runs.options import never

if TYPE_CHECKING:
    from mnistlab.training.learning_rate_finder import RangeTest

_FEWEST, _MOST = 20, 10_000


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateResult(Result):
    """What :func:`mnistlab.find_learning_rate` returns.

    In a notebook it shows its sentence and the plot. :meth:`write` leaves ``learning_rate.png``,
    ``learning_rate.csv`` and ``learning_rate.json``.

    Attributes:
        recipe: that was tested.
        seed: of its random draws.
        test: the rates, the losses and the suggestion.
        kernels: the build of the native kernels, or ``torch``.
        notes: what was chosen or lost in fitting the images to the model, and what fitted of
            initial weights.
        command: the command that makes it again; empty if none made it.
    """

    recipe: Recipe
    seed: int
    test: "RangeTest"
    kernels: str
    notes: tuple[str, ...] = ()
    command: str = ""

    @property
    def suggestion(self) -> float:
        """The learning rate to take, rounded to two digits."""
        return float(f"{self.test.suggestion:.2g}")

    @property
    def verdict(self) -> str:
        """One plain sentence: the suggestion, and what it comes from."""
        rates = self.test.rates
        end = " where the loss had quadrupled" if self.test.diverged else ""
        return (
            f"learning_rate = {self.suggestion:g} is suggested for {self.recipe.name}: the training"
            f" loss falls most steeply there, in {len(rates)} steps from {rates[0]:.2g} to"
            f" {rates[-1]:.2g}{end}"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return every figure as JSON has it."""
        test = self.test
        return {
            "suggestion": self.suggestion,
            "verdict": self.verdict,
            "recipe": self.recipe.model_dump(mode="json"),
            "seed": self.seed,
            "kernels": self.kernels,
            "diverged": test.diverged,
            "rates": test.rates.tolist(),
            "losses": test.losses.tolist(),
            "smoothed": test.smoothed.tolist(),
            "notes": list(self.notes),
            "command": self.command,
        }

    def _tables(self) -> Tables:
        return {"steps": partial(_table, self.test)}

    def _plots(self) -> Plots:
        from mnistlab.report.learning_rate_plot import draw_range_test

        test, name = self.test, self.recipe.name
        curves = (test.rates.tolist(), test.losses.tolist(), test.smoothed.tolist())
        return {"learning_rate": draw_range_test(*curves, test.suggestion, name)}

    def _write(self, folder: Path) -> list[Path]:
        return write_results(
            folder,
            {
                "learning_rate.png": self.plot(),
                "learning_rate.csv": self.table(),
                "learning_rate.json": self.as_dict(),
            },
        )

    def _repr_html_(self) -> str:
        import base64
        from html import escape

        from mnistlab.report.canvas import png

        image = base64.b64encode(png(self.plot())).decode()
        said = escape(self.verdict)
        return f'<p><b>{said}</b></p><img alt="{said}" src="data:image/png;base64,{image}">'


def find_learning_rate(  # noqa: PLR0913 - the public signature
    recipe: Recipe | Path | str,
    dataset: Dataset | None = None,
    *,
    start: float = 1e-7,
    stop: float = 10.0,
    steps: int = 200,
    seed: int = 0,
    device: str = "auto",
    gpu: int | None = None,
    threads: int | None = None,
    kernels: str = "auto",
    should_stop: Callable[[], bool] = never,
    command: str = "",
    **changes: Any,
) -> LearningRateResult | None:
    """Suggest a learning rate: train while the rate rises, and see where the loss falls.

    The recipe's own model, optimiser, batch size, augmentation and initial weights are used; its
    ``learning_rate``, ``schedule`` and ``warmup`` are not. The rate rises exponentially from batch
    to batch, until the loss is four times its lowest. No test image is looked at. See
    :mod:`mnistlab.training.learning_rate_finder` for the method and its sources.

    Args:
        recipe: what :func:`mnistlab.train` takes.
        dataset: the images, of which the recipe may take a part; ``None`` loads what
            ``recipe.data`` names.
        start: the lowest rate, above 0.
        stop: the highest rate, at most 1000.
        steps: batches, 20 to 10,000; where an epoch has fewer, further epochs follow.
        seed: 0 to 10**18; decides the weights, the order of images, augmentation and dropout.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        gpu: number of the CUDA device.
        threads: CPU threads to compute on; ``None`` is one per core.
        kernels: ``auto`` takes the native kernels where they fit, ``torch`` plain PyTorch.
        should_stop: asked before every batch.
        command: what the result says made it.
        changes: fields of the recipe and their new values, for example ``optimizer="adamw"``.

    Returns:
        The result, or ``None`` if it was asked to stop.

    Raises:
        MnistlabError: of the kind that fits: a recipe, data, model or device that cannot be used,
            or a loss that does not fall.
    """
    # Torch is only imported where something is trained.
    from mnistlab.training.device import choose_device, torch_threads
    from mnistlab.training.learning_rate_finder import range_test
    from mnistlab.training.negatives import add_negatives
    from mnistlab.training.run import check_run
    from mnistlab.training.trainer import Trainer

    _refuse(start, stop, steps, seed)
    threads = thread_count("threads", threads)
    recipe = resolve_recipe(recipe, **changes)
    chosen = choose_device(device, gpu)
    check_run(recipe, None, kernels=kernels)
    taken = take_for(recipe, dataset or load_for(recipe))
    with torch_threads(threads):
        trainer = Trainer(recipe, add_negatives(taken, recipe), seed, chosen, kernels)
        test = range_test(trainer, np.geomspace(start, stop, steps), should_stop)
    if test is None:
        return None
    return LearningRateResult(recipe, seed, test, trainer.backend.kernels, trainer.notes, command)


def _refuse(start: float, stop: float, steps: int, seed: int) -> None:
    if not 0 < start < stop <= 1000:
        raise RecipeError(
            f"the rate rises, from above 0 to at most 1000; found from {start:g} to {stop:g}"
        )
    if not _FEWEST <= steps <= _MOST:
        raise RecipeError(f"`steps={steps}`: must be from {_FEWEST} to {_MOST:,}")
    refuse_seed(seed)


def _table(test: "RangeTest") -> Table:
    rows = zip(test.rates.tolist(), test.losses.tolist(), test.smoothed.tolist(), strict=True)
    return Table([number("Rate"), number("Loss", 4), number("Smoothed", 4)], list(rows))
