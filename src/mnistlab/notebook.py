"""In a notebook, what trains shows its progress unless it is told what to do with events."""

import functools
import sys
from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and hasattr(shell, "kernel")


@functools.cache
def with_progress(function: Function) -> Function:
    """Draw the progress of a function that trains, where the caller gives no ``on_event``.

    Args:
        function: ``train``, or one that trains many runs, such as ``compare``.
    """

    @functools.wraps(function)
    def shown(*arguments: Any, **options: Any) -> Any:
        if "on_event" in options or not in_notebook():
            return function(*arguments, **options)
        if function.__name__ == "train":
            from mnistlab.cli.progress import ProgressBar

            with ProgressBar() as bar:
                return function(*arguments, on_event=bar, **options)
        from mnistlab.cli.experiment_view import ExperimentView

        with ExperimentView() as view:
            return function(*arguments, on_event=view, **options)

    return shown  # type: ignore[return-value]
