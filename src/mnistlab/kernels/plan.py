"""Plan: a model compiled for the CPU, which trains whole batches and computes logits in one
call.
"""

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
from mnistlab.kernels.trace import trace


class Plan:
    """A model's layers, compiled. Weights, gradients and the optimiser's state stay PyTorch's own
    tensors.

    :func:`mnistlab.kernels.make_plan` makes one that has been held against PyTorch.

    Args:
        model: see :func:`mnistlab.kernels.trace.trace`.
        image_shape: ``(channels, height, width)``.
        classes: number of logits.
        mean: subtracted from pixels in 0..1.
        std: then divided by.
        dropout: whether training drops values where the model does.

    Raises:
        KernelError: the model has no fast form, or the library is not there.
    """

    def __init__(
        self,
        model: nn.Module,
        image_shape: tuple[int, int, int],
        classes: int,
        *,
        mean: float,
        std: float,
        dropout: bool = True,
    ) -> None:
        layers = trace(model, image_shape, classes)
        if not dropout:
            layers = [replace(layer, drop=0.0) for layer in layers]
        self._functions = load_library().functions
        self._model, self.image_shape, self.classes = model, image_shape, classes
        self._mean, self._std = mean, std
        self.operations = sum(_operations(layer) for layer in layers)
        """Floating-point operations of a training step per image: those of convolutions and linear
        layers."""
        self._norms = [layer for layer in layers if layer.batch_norm]
        # By module and name, since a module's tensors may be replaced by others.
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

    def train(
        self,
        work: EpochBatches,
        first: int,
        last: int,
        optimizer: torch.optim.Optimizer | None,
        *,
        smoothing: float = 0.0,
        averages: Sequence[Tensor] = (),
        decay: float = 0.0,
        threads: int = 1,
    ) -> None:
        """Train on batches ``first`` to before ``last``.

        Args:
            work: the pass.
            first: batch.
            last: batch.
            optimizer: ``SGD`` or ``AdamW``, whose state is made if missing and goes on; ``None``
                leaves the weights as they are and only computes gradients. Its learning rate does
                not count, ``work.rates`` does.
            smoothing: of labels, 0 to 1.
            averages: moving averages of ``model.parameters()``, updated; or nothing.
            decay: of these averages, 0 to below 1.
            threads: any number gives the same bits.

        Raises:
            KernelError: out of memory or threads, or a batch of one image that is to be normalised.
        """
        self._refuse_single_images(work.bounds[first : last + 1])
        settings = optimizer_settings(optimizer, self.parameters, last - first)
        settings.average_decay = decay if averages else 0.0
        images = self._images(work.images, work.order, work.augmentation)
        images.labels = address(work.labels, torch.int64)
        call = structures.Training(
            images=images,
            optimizer=settings,
            parameters=self._parameter_table(optimizer, averages),
            tensors=self._tensor_table(),
            bounds=address(work.bounds, torch.int64),
            rates=address(work.rates, torch.float64),
            dropout_seeds=address(work.dropout_seeds, torch.int64),
            first_batch=first,
            last_batch=last,
            smoothing=smoothing,
            threads=threads,
            losses=address(work.losses, torch.float32),
            correct=address(work.correct, torch.int32),
        )
        if self._functions.mnistlab_train(self._handle, ctypes.byref(call)):
            raise KernelError(f"not enough memory, or not as many as {threads} threads")

    def logits(self, images: Tensor, *, threads: int = 1) -> Tensor:
        """Return the logits of images (uint8, ``(n, channels, height, width)``) as evaluation
        computes them.

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
        """Return uint8 images as the model sees them, float32."""
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
        """As PyTorch does: of a single value there is no variance."""
        if any(layer.input.shape[1:] == (1, 1) for layer in self._norms) and bool(
            (bounds.diff() < 2).any()
        ):
            raise KernelError("batch normalisation needs two images a batch; raise batch_size")

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
            raise KernelError(f"augmentation with {', '.join(sorted(unknown))} has no fast form")
        addresses = {
            name: address(augmentation.get(name), dtype)
            for name, dtype in AUGMENTATION_TENSORS.items()
        }
        bent = augmentation.get("displacements")
        return structures.Images(
            pixels=address(images, torch.uint8),
            order=address(order, torch.int64),
            **addresses,
            grid=0 if bent is None else bent.shape[-1],
            mean=self._mean,
            std=self._std,
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


def _operations(layer: PlannedLayer) -> int:
    if layer.kind != structures.CONVOLUTION or layer.module is None:
        return 0
    products = (
        layer.module.get_parameter("weight").numel() * layer.output.shape[1] * layer.output.shape[2]
    )
    # Forward, back to the weights, and back to the input unless that is the image; an addition and
    # a product each.
    return 2 * products * (3 if layer.input.number else 2)


def _index(known: list[tuple[nn.Module, str]], module: nn.Module | None, name: str) -> int:
    if module is None or getattr(module, name) is None:
        return -1
    known.append((module, name))
    return len(known) - 1
