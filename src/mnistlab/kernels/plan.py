"""Plan: a model compiled for the CPU, to train on whole batches and compute logits in one call."""

import ctypes
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels.addresses import address, optimizer_arguments
from mnistlab.kernels.epoch import AUGMENTATION_TENSORS, AugmentationParams, EpochBatches
from mnistlab.kernels.fusion import fuse
from mnistlab.kernels.graph import Graph
from mnistlab.kernels.library import Addresses
from mnistlab.kernels.program import Context, Program, flops
from mnistlab.kernels.trace import trace


class Plan:
    """A compiled model, whose weights, gradients and optimiser state stay PyTorch tensors.

    :func:`mnistlab.kernels.make_plan` makes one and compares it with PyTorch.

    Args:
        model: see :func:`mnistlab.kernels.trace.trace`.
        image_shape: ``(channels, height, width)``.
        classes: number of logits.
        mean: subtracted from pixels in 0..1: one number, or one for each channel.
        std: divides them then; as ``mean``.
        dropout: whether dropout layers are active in training.

    Raises:
        KernelError: the model is not supported, or the library cannot be loaded.
        ValueError: as many means or deviations as there are channels are needed.
    """

    def __init__(
        self,
        model: nn.Module,
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        mean: float | Sequence[float],
        std: float | Sequence[float],
        dropout: bool = True,
    ) -> None:
        graph = trace(model, image_shape, classes)
        graph = fuse(graph if dropout else graph.without("dropout"))
        self._model, self.image_shape, self.classes = model, image_shape, classes
        self.mean, self.std = (_per_channel(given, image_shape[0]) for given in (mean, std))
        """A number for each channel."""
        self._mean, self._std = (
            torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std)
        )
        for parameter in model.parameters():
            # Weights in another order, such as channels_last, are the same numbers.
            parameter.data = parameter.data.contiguous()
        self._program = Program(graph)
        self.flops = flops(graph.nodes)
        """Floating-point operations of a training step per image, of convolutions and linear layers
        only."""
        self._needs_two_images = _normalises_single_values(graph)

    @property
    def graph(self) -> Graph:
        """The operations that are run."""
        return self._program.graph

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The model's parameters, in the order in which the operations need them."""
        return self._program.parameters  # type: ignore[return-value]

    def train(  # noqa: PLR0913 - the public signature
        self,
        batches: EpochBatches,
        first: int,
        last: int,
        optimizer: torch.optim.Optimizer | None,
        *,
        loss: str = "cross_entropy",
        smoothing: float = 0.0,
        class_weights: Tensor | None = None,
        gamma: float = 2.0,
        averages: Sequence[Tensor] = (),
        decay: float = 0.0,
        threads: int = 1,
        profile: Tensor | None = None,
    ) -> None:
        """Train on batches ``first`` to ``last - 1``, and fill in their losses and ``correct``.

        Args:
            batches: of the epoch.
            first: number of the first batch, from 0.
            last: number of the batch to stop before.
            optimizer: ``SGD``, ``Adam`` or ``AdamW``, whose state is created if missing, and
                updated; ``None`` computes the gradients only. ``batches.rates`` are used, not its
                learning rate.
            loss: ``cross_entropy``, ``binary_cross_entropy`` or ``mse`` against one-hot labels, or
                ``focal`` (Lin et al., 2017). Of an output of ``(classes, height, width)`` it is
                the mean over all positions; labels below 0 count for nothing.
            smoothing: of the labels of cross-entropy, 0 to 1.
            class_weights: float32, ``(classes,)``: of cross-entropy, as ``weight`` of
                :func:`torch.nn.functional.cross_entropy`; ``None`` weighs all classes alike.
            gamma: of the focal loss; 0 makes it cross-entropy.
            averages: the EMA of ``model.parameters()``, updated; or empty.
            decay: of the EMA, from 0 to below 1.
            threads: any number gives the same bits.
            profile: float64, ``(4 * operations + 4,)``, filled with seconds, summed over threads:
                of each of :attr:`graph`'s operations the forward pass, batch statistics forward and
                backward, and the backward pass; then of loading images, the loss, the optimiser,
                and waiting for other threads.

        Raises:
            KernelError: not enough memory or threads, batch norm of a batch of one image, or an
                optimiser that has no native kernel, see :func:`mnistlab.kernels.why_not_fused`.
            ValueError: not as many class weights as classes.
        """
        self._refuse_single_images(batches.bounds[first : last + 1])
        if class_weights is not None and class_weights.shape != (self.classes,):
            raise ValueError(f"{len(class_weights)} class weights for {self.classes} classes")
        parameters = self.parameters
        for parameter in parameters:
            if parameter.requires_grad and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        self._program.call(
            "mnistlab_train",
            self._images(batches.images, batches.order, batches.augmentation)
            | optimizer_arguments(optimizer, parameters, last - first)
            | self._average_arguments(averages, decay)
            | {
                "labels": _pointer(batches.labels, torch.int64),
                "bounds": _pointer(batches.bounds, torch.int64),
                "rates": _pointer(batches.rates, torch.float64),
                "dropout_seeds": _pointer(batches.dropout_seeds, torch.int64),
                "class_weights": _pointer(class_weights, torch.float32),
                "first_batch": first,
                "last_batch": last,
                "loss": loss,
                "smoothing": float(smoothing),
                "gamma": float(gamma),
                "threads": threads,
                "profile": _pointer(profile, torch.float64),
                "losses": _pointer(batches.losses, torch.float32),
                "correct": _pointer(batches.correct, torch.int32),
            },
            gradients=[
                parameter.grad if parameter.requires_grad else None for parameter in parameters
            ],
        )

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        rate: float,
        *,
        averages: Sequence[Tensor] = (),
        decay: float = 0.0,
    ) -> None:
        """Take a step from gradients that the parameters have already, such as clipped ones.

        Args:
            optimizer: as :meth:`train` takes it.
            rate: the learning rate.
            averages: as :meth:`train` takes them.
            decay: of the averages.

        Raises:
            KernelError: the optimiser has no native kernel.
        """
        parameters = self.parameters
        self._program.call(
            "mnistlab_step",
            optimizer_arguments(optimizer, parameters, 1)
            | self._average_arguments(averages, decay)
            | {"rate": float(rate)},
            gradients=[
                parameter.grad if parameter.requires_grad else None for parameter in parameters
            ],
        )

    def forward(
        self, batches: EpochBatches, number: int, *, threads: int = 1
    ) -> tuple[Tensor, Context]:
        """Compute the logits of a batch in training mode, for a loss of one's own.

        Args:
            batches: of the epoch.
            number: of the batch, from 0.
            threads: any number gives the same bits.

        Returns:
            The logits, float32, ``(n, classes)``, and what :meth:`backward` needs.

        Raises:
            KernelError: as :meth:`train` does.
        """
        self._refuse_single_images(batches.bounds[number : number + 2])
        start, stop = batches.bounds[number : number + 2].tolist()
        outputs, context = self._program.run_forward(
            self._images(batches.images, batches.order, batches.augmentation) | {"position": start},
            stop - start,
            seed=int(batches.dropout_seeds[number]),
            threads=threads,
        )
        return outputs[0], context

    def backward(self, context: Context, gradient: Tensor) -> None:
        """Compute the gradients of the model's parameters; those before are replaced.

        Args:
            context: of :meth:`forward`.
            gradient: float32, of the loss with respect to the logits.
        """
        parameters = self.parameters
        wanted = [parameter.requires_grad for parameter in parameters]
        gradients, _ = self._program.backward(context, [gradient], wanted)
        for parameter, found in zip(parameters, gradients, strict=True):
            parameter.grad = found

    def logits(self, images: Tensor, *, threads: int = 1) -> Tensor:
        """Compute logits in evaluation mode.

        Args:
            images: uint8, ``(n, channels, height, width)``.
            threads: any number gives the same bits.

        Returns:
            float32, ``(n, classes)``.
        """
        order = torch.arange(len(images))
        logits = torch.empty(len(images), *self._program.graph.outputs[0].shape)
        self._program.call(
            "mnistlab_evaluate",
            self._images(images, order, AugmentationParams())
            | {
                "count": len(images),
                "threads": threads,
                "outputs": Addresses([logits.data_ptr()]),
            },
        )
        return logits

    def normalise(self, images: Tensor) -> Tensor:
        """Scale uint8 images to 0..1, subtract ``mean`` and divide by ``std``; float32."""
        return (images.to(torch.float32) / 255 - self._mean) / self._std

    def _average_arguments(
        self, averages: Sequence[Tensor], decay: float
    ) -> dict[str, float | Addresses]:
        average_of = dict(zip(self._model.parameters(), averages, strict=bool(averages)))
        return {
            "average_decay": float(decay if averages else 0),
            "averages": Addresses(
                address(average_of.get(parameter), torch.float32) for parameter in self.parameters
            ),
        }

    def _refuse_single_images(self, bounds: Tensor) -> None:
        """Refuse them as PyTorch does, since a single value has no variance."""
        if self._needs_two_images and bool((bounds.diff() < 2).any()):
            raise KernelError("batch norm needs at least two images per batch; increase batch_size")

    def _images(
        self, images: Tensor, order: Tensor, augmentation: AugmentationParams
    ) -> dict[str, ctypes.c_void_p | int | None]:
        if tuple(images.shape[1:]) != self.image_shape:
            raise ValueError(
                f"images of shape {tuple(images.shape[1:])}; the plan is for {self.image_shape}"
            )
        if "sigmas" in augmentation and min(self.image_shape[1:]) < 2:
            raise ValueError("images of a single row or column cannot be blurred")
        if unknown := set(augmentation) - set(AUGMENTATION_TENSORS):
            raise KernelError(
                f"augmentation with {', '.join(sorted(unknown))} has no native kernel"
            )
        if "grain" in augmentation:
            last = int(augmentation["starts"].max()) + math.prod(self.image_shape)
            if last > len(augmentation["grain"]):
                raise ValueError(
                    f"grain of {len(augmentation['grain'])} values; the images need {last}"
                )
        bent = augmentation.get("displacements")
        return {
            "pixels": _pointer(images, torch.uint8),
            "order": _pointer(order, torch.int64),
            "mean": _pointer(self._mean, torch.float32),
            "std": _pointer(self._std, torch.float32),
            "grid": 0 if bent is None else bent.shape[-1],
        } | {
            name: _pointer(augmentation.get(name), dtype)
            for name, dtype in AUGMENTATION_TENSORS.items()
        }


def _per_channel(given: float | Sequence[float], channels: int) -> tuple[float, ...]:
    values = tuple(given) if isinstance(given, Sequence) else (given,) * channels
    if len(values) != channels:
        raise ValueError(f"{len(values)} means or deviations for {channels} channels")
    return tuple(float(value) for value in values)


def _normalises_single_values(graph: Graph) -> bool:
    return any(
        node.operation == "batch_norm" and math.prod(node.inputs[0].shape[1:]) == 1
        for node in graph.nodes
    )


def _pointer(tensor: Tensor | None, dtype: torch.dtype) -> ctypes.c_void_p | None:
    return None if tensor is None else ctypes.c_void_p(address(tensor, dtype))
