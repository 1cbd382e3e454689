"""Training steps of the same networks in JAX: ``torch.export`` writes a network down as ATen
operations, each of which is one of JAX's; XLA compiles the whole step.
"""

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import torch
from jax import lax
from torch import Tensor, nn

Array = Any
_LAYOUT = ("NCHW", "OIHW", "NCHW")


class JaxSteps:
    """Steps of SGD with momentum and cross-entropy, from images that are normalised already.

    Attributes:
        parameters: by name, as the steps so far have left them.
        buffers: those of batch normalisation, likewise.
        loss: of the last step.
    """

    def __init__(
        self, model: nn.Module, pixels: Tensor, labels: Tensor, batches: list[Tensor]
    ) -> None:
        """Take the model's weights, and compile the step.

        Args:
            model: in training mode.
            pixels: float32 ``(n, channels, height, width)``.
            labels: int64 ``(n,)``.
            batches: which images each step takes, all as many.
        """
        program = torch.export.export(model, (pixels[batches[0]],))
        signature = program.graph_signature
        state = {name: _array(value) for name, value in model.state_dict().items()}
        names = signature.inputs_to_parameters | signature.inputs_to_buffers
        self.parameters = {name: state[name] for name in signature.inputs_to_parameters.values()}
        self.buffers = {name: state[name] for name in signature.inputs_to_buffers.values()}
        self._velocity = {name: jnp.zeros_like(value) for name, value in self.parameters.items()}
        self._key = jax.random.key(0)
        self._pixels, self._labels = _array(pixels), _array(labels)
        self._batches = [_array(chosen) for chosen in batches]
        loss = partial(_loss, program.graph, names)
        self._step = jax.jit(partial(_step, loss), donate_argnums=(0, 1, 2))
        self()

    def __call__(self) -> None:
        """Take the steps of one turn."""
        loss = jnp.zeros(())
        for chosen in self._batches:
            self.parameters, self._velocity, self.buffers, self._key, loss = self._step(
                self.parameters,
                self._velocity,
                self.buffers,
                self._key,
                self._pixels,
                self._labels,
                chosen,
            )
        self.loss = float(loss)


def _step(
    loss: Callable[..., Any],
    parameters: dict[str, Array],
    velocity: dict[str, Array],
    buffers: dict[str, Array],
    key: Array,
    pixels: Array,
    labels: Array,
    chosen: Array,
) -> tuple[Any, ...]:
    """Do a step of SGD as :class:`torch.optim.SGD` does it."""
    key, dropout = jax.random.split(key)
    (value, buffers), gradients = jax.value_and_grad(loss, has_aux=True)(
        parameters, buffers, dropout, pixels[chosen], labels[chosen]
    )
    velocity = jax.tree.map(lambda v, g: 0.9 * v + g, velocity, gradients)
    parameters = jax.tree.map(lambda p, v: p - 0.01 * v, parameters, velocity)
    return parameters, velocity, buffers, key, value


def _loss(
    graph: torch.fx.Graph,
    names: dict[str, str],
    parameters: dict[str, Array],
    buffers: dict[str, Array],
    key: Array,
    pixels: Array,
    labels: Array,
) -> tuple[Array, dict[str, Array]]:
    """Return the mean cross-entropy, and the buffers as batch normalisation updates them."""
    values: dict[Any, Any] = {}
    updated = dict(buffers)
    for node in graph.nodes:
        arguments = torch.fx.map_arg(node.args, values.__getitem__)
        options = torch.fx.map_arg(node.kwargs, values.__getitem__)
        if node.op == "placeholder":
            # All but one are parameters and buffers.
            held = parameters | buffers
            values[node] = held[names[node.name]] if node.name in names else pixels
        elif node.op == "output":
            logits = jax.nn.log_softmax(arguments[0][0])
            return -jnp.take_along_axis(logits, labels[:, None], 1).mean(), updated
        elif node.target == torch.ops.aten.batch_norm.default:
            values[node], statistics = _batch_norm(*arguments[:8])
            moving = (names[node.args[3].name], names[node.args[4].name])
            updated |= dict(zip(moving, statistics, strict=True))
        elif node.target == torch.ops.aten.dropout.default:
            key, own = jax.random.split(key)
            kept = jax.random.bernoulli(own, 1 - arguments[1], arguments[0].shape)
            values[node] = jnp.where(kept, arguments[0] / (1 - arguments[1]), 0)
        else:
            values[node] = OPERATIONS[str(node.target)](*arguments, **options)
    raise AssertionError("a graph ends with its output")


def _array(tensor: Tensor) -> Array:
    return jnp.asarray(tensor.detach().numpy())


def _conv2d(
    images: Array,
    weight: Array,
    bias: Array = None,
    stride: Any = (1, 1),
    padding: Any = (0, 0),
    dilation: Any = (1, 1),
    groups: int = 1,
) -> Array:
    result = lax.conv_general_dilated(
        images,
        weight,
        tuple(stride),
        [(side, side) for side in padding],
        rhs_dilation=tuple(dilation),
        dimension_numbers=_LAYOUT,
        feature_group_count=groups,
    )
    return result if bias is None else result + bias[:, None, None]


def _batch_norm(
    images: Array,
    weight: Array,
    bias: Array,
    mean: Array,
    var: Array,
    _training: Any,
    rate: float,
    eps: float,
) -> tuple[Array, tuple[Array, Array]]:
    axes, count = (0, 2, 3), images.size // images.shape[1]
    centre, spread = images.mean(axes), images.var(axes)
    factor = weight * lax.rsqrt(spread + eps)
    result = (images - centre[:, None, None]) * factor[:, None, None] + bias[:, None, None]
    unbiased = spread * count / (count - 1)
    return result, ((1 - rate) * mean + rate * centre, (1 - rate) * var + rate * unbiased)


def _layer_norm(
    values: Array, _shape: Any, weight: Array, bias: Array, eps: float = 1e-5, *_: Any
) -> Array:
    centred = values - values.mean(-1, keepdims=True)
    return centred * lax.rsqrt(centred.var(-1, keepdims=True) + eps) * weight + bias


def _pool(
    values: Array, side: list[int], stride: Any, start: float, combine: Callable[..., Any]
) -> Array:
    window = (1, 1, *side)
    steps = (1, 1, *(stride or side))
    return lax.reduce_window(values, start, combine, window, steps, "VALID")


def _average_pool(values: Array, side: list[int], stride: Any = None) -> Array:
    return _pool(values, side, stride, 0.0, lax.add) / (side[0] * side[1])


def _slice(values: Array, axis: int, start: int, stop: int, step: int = 1) -> Array:
    return lax.slice_in_dim(values, start, min(stop, values.shape[axis]), step, axis)


def _pad(values: Array, sides: list[int]) -> Array:
    pairs = list(zip(sides[::2], sides[1::2], strict=True))[::-1]
    return jnp.pad(values, [(0, 0)] * (values.ndim - len(pairs)) + pairs)


OPERATIONS: dict[str, Callable[..., Any]] = {
    "aten.conv2d.default": _conv2d,
    "aten.linear.default": lambda values, weight, bias=0: values @ weight.T + bias,
    "aten.matmul.default": jnp.matmul,
    "aten.relu.default": jax.nn.relu,
    "aten.tanh.default": jnp.tanh,
    "aten.sigmoid.default": jax.nn.sigmoid,
    "aten.gelu.default": partial(jax.nn.gelu, approximate=False),
    "aten.softmax.int": jax.nn.softmax,
    "aten.log_softmax.int": jax.nn.log_softmax,
    "aten.layer_norm.default": _layer_norm,
    "aten.max_pool2d.default": lambda values, side, stride=None: _pool(
        values, side, stride, -jnp.inf, lax.max
    ),
    "aten.avg_pool2d.default": _average_pool,
    "aten.adaptive_avg_pool2d.default": lambda values, _side: values.mean((2, 3), keepdims=True),
    "aten.mean.dim": lambda values, axes: values.mean(tuple(axes)),
    "aten.add.Tensor": operator.add,
    # The count of batches, which nothing reads.
    "aten.add_.Tensor": operator.add,
    "aten.mul.Tensor": operator.mul,
    "aten.flatten.using_ints": lambda values, first: values.reshape(*values.shape[:first], -1),
    "aten.reshape.default": jnp.reshape,
    "aten.expand.default": lambda values, shape: jnp.broadcast_to(
        values, [old if new == -1 else new for old, new in zip(values.shape, shape, strict=True)]
    ),
    "aten.permute.default": jnp.transpose,
    "aten.transpose.int": jnp.swapaxes,
    "aten.unsqueeze.default": jnp.expand_dims,
    "aten.slice.Tensor": _slice,
    "aten.select.int": lambda values, axis, index: jnp.take(values, index, axis),
    "aten.unbind.int": lambda values, axis=0: [
        jnp.squeeze(part, axis) for part in jnp.split(values, values.shape[axis], axis)
    ],
    "aten.cat.default": jnp.concatenate,
    "aten.pad.default": _pad,
    str(operator.getitem): operator.getitem,
}
"""By ATen's names, with PyTorch's arguments."""
