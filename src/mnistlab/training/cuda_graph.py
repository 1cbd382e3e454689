"""CudaGraphBackend: PyTorch on a CUDA device, the whole training step captured as a CUDA graph.

A network as small as LeNet-5 keeps a GPU busy for less time than Python needs to launch its
kernels; replaying a graph is a single launch
(https://docs.pytorch.org/docs/stable/notes/cuda.html, "CUDA Graphs").
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mnistlab.kernels import EpochBatches
from mnistlab.training.randomness import seed_global
from mnistlab.training.torch_backend import TorchBackend

StepResult = tuple[Tensor, Tensor]
Capture = Callable[[Callable[[], StepResult]], Callable[[], StepResult]]
"""Turns a step that reads fixed tensors into a function that repeats it at each call."""

_WARM_UP_STEPS = 3
"""Run before a capture, so that PyTorch allocates and selects what it needs; undone afterwards."""


class CudaGraphBackend(TorchBackend):
    """PyTorch that replays one captured step for every full batch.

    The captured step reads its batch, augmentation and learning rate from fixed tensors, into which
    each batch's are copied on the device; nothing waits for the host. A last batch of another size
    runs without the graph. So does every batch of a model that cannot be captured, because its
    ``forward`` looks at values.
    """

    def __init__(self, *arguments: Any, capture: Capture | None = None) -> None:
        """Take the arguments of :class:`TorchBackend`; tests give another ``capture``."""
        super().__init__(*arguments)
        self._capture = capture or capture_graph
        self._replay: Callable[[], StepResult] | None = None
        self._captured = torch.empty(0)
        """The images from which the captured step, or the failed attempt, takes its batches."""

    def train(self, batches: EpochBatches, first: int, last: int) -> None:
        """See :class:`mnistlab.training.backend.Backend`."""
        for batch in range(first, last):
            start, stop = batches.bounds[batch : batch + 2].tolist()
            full = stop - start == self._recipe.batch_size
            if full and self._captured is not batches.images:
                self._prepare(batches, start, stop)
            if not full or self._replay is None:
                super().train(batches, batch, batch + 1)
                continue
            self._fill(batches, batch, start, stop)
            seed_global(int(batches.dropout_seeds[batch]), self._device)
            batches.losses[batch], batches.correct[batch] = self._replay()

    def _prepare(self, batches: EpochBatches, start: int, stop: int) -> None:
        self._captured = batches.images
        self._chosen = batches.order[start:stop].clone()
        self._rate = torch.zeros((), device=self._device)
        self._augmentation = batches.augmentation.of(start, stop, self._device).clone()
        before = {key: value.clone() for key, value in self._state().items()}
        try:
            self._replay = self._capture(
                lambda: self._step(
                    batches.images, batches.labels, self._chosen, self._augmentation, self._rate
                )
            )
        except RuntimeError as error:
            self._replay = None
            self.reason = f"{self.reason}; not captured: {' '.join(str(error).split())}"
        for key, value in self._state().items():
            # State that the warm-up created starts at zero, as the optimiser itself would start it.
            value.copy_(before[key]) if key in before else value.zero_()

    def _fill(self, batches: EpochBatches, batch: int, start: int, stop: int) -> None:
        self._chosen.copy_(batches.order[start:stop])
        self._rate.fill_(float(batches.rates[batch]))
        self._augmentation.copy_(batches.augmentation.of(start, stop, self._device))

    def _state(self) -> dict[str, Tensor]:
        """Return every tensor that a step changes, by name."""
        state = dict(self._model.state_dict(keep_vars=True))
        state |= {
            f"average.{number}": average for number, average in enumerate(self._update.averages)
        }
        for number, entries in enumerate(self._update.optimizer.state.values()):
            state |= {
                f"{number}.{name}": value
                for name, value in entries.items()
                if isinstance(value, Tensor)
            }
        return {name: value.detach() for name, value in state.items()}


def capture_graph(step: Callable[[], StepResult]) -> Callable[[], StepResult]:
    """Capture a step as a CUDA graph; see :data:`Capture`."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UP_STEPS):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> StepResult:
        graph.replay()
        return result

    return replay
