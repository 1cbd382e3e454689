"""Graphed steps: plain PyTorch on a CUDA device, the whole step captured once and replayed for
every batch.

A network as small as LeNet-5 keeps a GPU busy for less time than Python needs to launch its
kernels; a replay is one launch (https://docs.pytorch.org/docs/stable/notes/cuda.html, "CUDA
Graphs").
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mnistlab.kernels import EpochBatches
from mnistlab.training.backend import TorchBackend
from mnistlab.training.randomness import seed_global

Result = tuple[Tensor, Tensor]
Recorder = Callable[[Callable[[], Result]], Callable[[], Result]]
"""Turns a step that works on fixed tensors into one that does the same again at each call."""

_WARM_UPS = 3
"""Steps before a capture, in which PyTorch allocates and chooses what it needs; what they change is
put back."""


class CudaGraphBackend(TorchBackend):
    """Plain PyTorch whose whole batches are replays of one captured step.

    A captured step reads its batch, random changes and learning rate from fixed tensors, into which
    each batch's are copied on the device; nothing waits for the host. A last batch of another size
    is done operation by operation, and so is every batch of a model that cannot be captured,
    because its ``forward`` looks at values.
    """

    def __init__(self, *arguments: Any, record: Recorder | None = None) -> None:
        """Take the arguments of :class:`TorchBackend`; ``record`` captures on the CUDA device
        unless a test gives one.
        """
        super().__init__(*arguments)
        self._record = record or capture
        self._replay: Callable[[], Result] | None = None
        self._captured = torch.empty(0)
        """The images that the captured step, or the attempt, took its batches from."""

    def train(self, work: EpochBatches, first: int, last: int) -> None:
        """See :class:`mnistlab.training.backend.Backend`."""
        for batch in range(first, last):
            start, stop = work.bounds[batch : batch + 2].tolist()
            whole = stop - start == self._recipe.batch_size
            if whole and self._captured is not work.images:
                self._prepare(work, start, stop)
            if not whole or self._replay is None:
                super().train(work, batch, batch + 1)
                continue
            self._fill(work, batch, start, stop)
            seed_global(int(work.dropout_seeds[batch]), self._device)
            work.losses[batch], work.correct[batch] = self._replay()

    def _prepare(self, work: EpochBatches, start: int, stop: int) -> None:
        self._captured = work.images
        self._chosen, self._rate = (
            work.order[start:stop].clone(),
            torch.zeros((), device=self._device),
        )
        self._augmentation = work.augmentation.of(start, stop, self._device).clone()
        before = {key: value.clone() for key, value in self._state().items()}
        try:
            self._replay = self._record(
                lambda: self._step(
                    work.images, work.labels, self._chosen, self._augmentation, self._rate
                )
            )
        except RuntimeError as error:
            self._replay, self.reason = (
                None,
                f"{self.reason}; not captured: {' '.join(str(error).split())}",
            )
        for key, value in self._state().items():
            # What the warm-up made begins at zero, as the optimiser's own first step has it.
            value.copy_(before[key]) if key in before else value.zero_()

    def _fill(self, work: EpochBatches, batch: int, start: int, stop: int) -> None:
        self._chosen.copy_(work.order[start:stop])
        self._rate.fill_(float(work.rates[batch]))
        self._augmentation.copy_(work.augmentation.of(start, stop, self._device))

    def _state(self) -> dict[str, Tensor]:
        """Return all that a step changes, by name."""
        state = dict(self._model.state_dict(keep_vars=True))
        state |= {f"average.{number}": average for number, average in enumerate(self._averages)}
        for number, entries in enumerate(self._optimizer.state.values()):
            state |= {
                f"{number}.{name}": value
                for name, value in entries.items()
                if isinstance(value, Tensor)
            }
        return {name: value.detach() for name, value in state.items()}


def capture(step: Callable[[], Result]) -> Callable[[], Result]:
    """Capture a step as a CUDA graph; see :data:`Recorder`."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(_WARM_UPS):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = step()

    def replay() -> Result:
        graph.replay()
        return result

    return replay
