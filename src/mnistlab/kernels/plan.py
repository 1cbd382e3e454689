"""Plan: a model compiled for the CPU, to train on whole batches and compute logits in one call."""

import ctypes
import weakref
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from mnistlab.errors import KernelError
from mnistlab.kernels import structures
from mnistlab.kernels.addresses import address, optimizer_settings
from mnistlab.kernels.epoch import AUGMENTATION_TENSORS, AugmentationParams, EpochBatches
from mnistlab.kernels.layers import PlannedLayer
from mnistlab.kernels.library import load_library
from mnistlab.kernels.symbolic import trace


class Plan:
    """A compiled model, whose weights, gradients and optimiser state stay PyTorch tensors.

    :func:`mnistlab.kernels.make_plan` makes one and compares it with PyTorch.

    Args:
        model: see :func:`mnistlab.kernels.symbolic.trace`.
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
        layers = trace(model, image_shape, classes)
        if not dropout:
            layers = [replace(layer, drop=0.0) for layer in layers]
        self._functions = load_library().functions
        self._model, self.image_shape, self.classes = model, image_shape, classes
        self.mean, self.std = (_per_channel(given, image_shape[0]) for given in (mean, std))
        """A number for each channel."""
        self._mean, self._std = (
            torch.tensor(values).view(-1, 1, 1) for values in (self.mean, self.std)
        )
        self.flops = sum(_flops(layer) for layer in layers)
        """Floating-point operations of a training step per image, of convolutions and linear layers
        only."""
        self._norms = [layer for layer in layers if layer.batch_norm]
        # By module and name, since a module's tensors may be replaced.
        self._parameters: list[tuple[nn.Module, str]] = []
        self._tensors: list[tuple[nn.Module, str]] = []
        table = (structures.Layer * len(layers))(*map(self._describe, layers))
        handle = self._functions.mnistlab_plan(
            table, len(layers), len(self._parameters), structures.Shape(*image_shape), classes
        )
        if not handle:
            raise KernelError("not enough memory for a plan")
        self._handle = ctypes.c_void_p(handle)
        weakref.finalize(self, self._functions.mnistlab_free, self._handle)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The model's parameters, in the order in which the layers need them."""
        return [getattr(module, name) for module, name in self._parameters]

    def train(  # noqa: PLR0913 - the public signature
        self,
        batches: EpochBatches,
        first: int,
        last: int,
        optimizer: torch.optim.Optimizer | None,
        *,
        smoothing: float = 0.0,
        class_weights: Tensor | None = None,
        averages: Sequence[Tensor] = (),
        decay: float = 0.0,
        threads: int = 1,
    ) -> None:
        """Train on batches ``first`` to ``last - 1``, and fill in their losses and ``correct``.

        Args:
            batches: of the epoch.
            first: number of the first batch, from 0.
            last: number of the batch to stop before.
            optimizer: ``SGD``, ``Adam`` or ``AdamW``, whose state is created if missing, and
                updated; ``None`` computes the gradients only. ``batches.rates`` are used, not its
                learning rate.
            smoothing: of the labels, 0 to 1.
            class_weights: float32, ``(classes,)``: of the loss, as ``weight`` of
                :func:`torch.nn.functional.cross_entropy`; ``None`` weighs all classes alike.
            averages: the EMA of ``model.parameters()``, updated; or empty.
            decay: of the EMA, from 0 to below 1.
            threads: any number gives the same bits.

        Raises:
            KernelError: not enough memory or threads, batch norm of a batch of one image, or an
                optimiser that has no native kernel, see :func:`mnistlab.kernels.why_not_fused`.
            ValueError: not as many class weights as classes.
        """
        self._refuse_single_images(batches.bounds[first : last + 1])
        if class_weights is not None and class_weights.shape != (self.classes,):
            raise ValueError(f"{len(class_weights)} class weights for {self.classes} classes")
        settings = optimizer_settings(optimizer, self.parameters, last - first)
        settings.average_decay = decay if averages else 0.0
        images = self._images(batches.images, batches.order, batches.augmentation)
        images.labels = address(batches.labels, torch.int64)
        call = structures.Training(
            images=images,
            optimizer=settings,
            parameters=self._parameter_table(optimizer, averages),
            tensors=self._tensor_table(),
            bounds=address(batches.bounds, torch.int64),
            rates=address(batches.rates, torch.float64),
            dropout_seeds=address(batches.dropout_seeds, torch.int64),
            class_weights=address(class_weights, torch.float32),
            first_batch=first,
            last_batch=last,
            smoothing=smoothing,
            threads=threads,
            losses=address(batches.losses, torch.float32),
            correct=address(batches.correct, torch.int32),
        )
        if self._functions.mnistlab_train(self._handle, ctypes.byref(call)):
            raise KernelError(f"not enough memory, or not as many as {threads} threads")

    def logits(self, images: Tensor, *, threads: int = 1) -> Tensor:
        """Compute logits in evaluation mode.

        Args:
            images: uint8, ``(n, channels, height, width)``.
            threads: any number gives the same bits.

        Returns:
            float32, ``(n, classes)``.
        """
        order = torch.arange(len(images))
        logits = torch.empty(len(images), self.classes)
        call = structures.Evaluation(
            images=self._images(images, order, AugmentationParams()),
            parameters=self._parameter_table(None),
            tensors=self._tensor_table(),
            count=len(images),
            threads=threads,
            logits=logits.data_ptr(),
        )
        if self._functions.mnistlab_evaluate(self._handle, ctypes.byref(call)):
            raise KernelError(f"not enough memory, or not as many as {threads} threads")
        return logits

    def normalise(self, images: Tensor) -> Tensor:
        """Scale uint8 images to 0..1, subtract ``mean`` and divide by ``std``; float32."""
        return (images.to(torch.float32) / 255 - self._mean) / self._std

    def _describe(self, layer: PlannedLayer) -> structures.Layer:
        module, norm = layer.module, layer.module if layer.batch_norm else None
        return structures.Layer(
            kind=layer.kind,
            input=layer.input.number,
            other=layer.other.number if layer.other else -1,
            in_shape=structures.Shape(*layer.input.shape),
            out_shape=structures.Shape(*layer.output.shape),
            kernel_height=layer.kernel[0],
            kernel_width=layer.kernel[1],
            pad_height=layer.padding[0],
            pad_width=layer.padding[1],
            batch_norm=layer.batch_norm,
            relu=layer.relu,
            pool=layer.pool,
            weight=_index(self._parameters, module, "weight"),
            bias=_index(self._parameters, module, "bias"),
            mean=_index(self._tensors, norm, "running_mean"),
            variance=_index(self._tensors, norm, "running_var"),
            batches=_index(self._tensors, norm, "num_batches_tracked"),
            epsilon=getattr(norm, "eps", 0.0),
            momentum=getattr(norm, "momentum", 0.0),
            drop=layer.drop,
        )

    def _refuse_single_images(self, bounds: Tensor) -> None:
        """Refuse them as PyTorch does, since a single value has no variance."""
        if any(layer.input.shape[1:] == (1, 1) for layer in self._norms) and bool(
            (bounds.diff() < 2).any()
        ):
            raise KernelError("batch norm needs at least two images per batch; increase batch_size")

    def _images(
        self, images: Tensor, order: Tensor, augmentation: AugmentationParams
    ) -> structures.Images:
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
        addresses = {
            name: address(augmentation.get(name), dtype)
            for name, dtype in AUGMENTATION_TENSORS.items()
        }
        bent = augmentation.get("displacements")
        return structures.Images(
            pixels=address(images, torch.uint8),
            order=address(order, torch.int64),
            **addresses,
            mean=address(self._mean, torch.float32),
            std=address(self._std, torch.float32),
            grid=0 if bent is None else bent.shape[-1],
        )

    def _tensor_table(self) -> Any:
        return (ctypes.c_void_p * len(self._tensors))(
            *(getattr(module, name).data_ptr() for module, name in self._tensors)
        )

    def _parameter_table(
        self, optimizer: torch.optim.Optimizer | None, averages: Sequence[Tensor] = ()
    ) -> Any:
        average_of: dict[Tensor, Tensor] = dict(
            zip(self._model.parameters(), averages, strict=bool(averages))
        )

        def describe(parameter: nn.Parameter) -> structures.Parameter:
            state = optimizer.state[parameter] if optimizer else {}
            if parameter.requires_grad and parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            rows = len(parameter) if parameter.dim() > 1 else 1
            return structures.Parameter(
                value=address(parameter.data, torch.float32),
                gradient=address(
                    parameter.grad if parameter.requires_grad else None, torch.float32
                ),
                first=address(state.get("momentum_buffer", state.get("exp_avg")), torch.float32),
                second=address(state.get("exp_avg_sq"), torch.float32),
                average=address(average_of.get(parameter), torch.float32),
                rows=rows,
                columns=parameter.numel() // rows,
            )

        return (structures.Parameter * len(self._parameters))(*map(describe, self.parameters))


def _per_channel(given: float | Sequence[float], channels: int) -> tuple[float, ...]:
    values = tuple(given) if isinstance(given, Sequence) else (given,) * channels
    if len(values) != channels:
        raise ValueError(f"{len(values)} means or deviations for {channels} channels")
    return tuple(float(value) for value in values)


def _flops(layer: PlannedLayer) -> int:
    if layer.kind != structures.CONVOLUTION or layer.module is None:
        return 0
    products = (
        layer.module.get_parameter("weight").numel() * layer.output.shape[1] * layer.output.shape[2]
    )
    # An addition and a product each, three times: forward, for the gradient of the weights, and for
    # that of the input unless it is the image.
    return 2 * products * (3 if layer.input.number else 2)


def _index(known: list[tuple[nn.Module, str]], module: nn.Module | None, name: str) -> int:
    if module is None or getattr(module, name) is None:
        return -1
    known.append((module, name))
    return len(known) - 1
