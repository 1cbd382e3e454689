"""Recurrent layers, step after step: Elman's networks, LSTM and GRU."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from mnistlab.errors import KernelError
from mnistlab.kernels.graph import Graph, Value
from mnistlab.kernels.registry import lower, lowers

_LARGEST_LSTM, _LARGEST = 16, 128
"""Sizes up to which unrolled steps are faster than PyTorch's layers."""

State = list[Value]
"""The hidden values of an image, ``(size,)``, and an LSTM's cells."""
Cell = Callable[[Graph, Value, Value, State], State]
"""Takes the shares of the input and of the hidden values in the gates, and the state before."""


def _rnn_cell(activation: Callable[[Tensor], Tensor]) -> Cell:
    def step(graph: Graph, given: Value, hidden: Value, state: State) -> State:
        return [lower(graph, activation, lower(graph, torch.add, given, hidden))]

    return step


def _lstm_cell(graph: Graph, given: Value, hidden: Value, state: State) -> State:
    gates = lower(graph, torch.add, given, hidden)
    entry, forget, new, leave = lower(graph, torch.chunk, gates, 4, -1)
    kept = lower(graph, torch.mul, lower(graph, torch.sigmoid, forget), state[1])
    added = lower(
        graph, torch.mul, lower(graph, torch.sigmoid, entry), lower(graph, torch.tanh, new)
    )
    cell = lower(graph, torch.add, kept, added)
    shown = lower(
        graph, torch.mul, lower(graph, torch.sigmoid, leave), lower(graph, torch.tanh, cell)
    )
    return [shown, cell]


def _gru_cell(graph: Graph, given: Value, hidden: Value, state: State) -> State:
    given_parts = lower(graph, torch.chunk, given, 3, -1)
    hidden_parts = lower(graph, torch.chunk, hidden, 3, -1)
    reset, update = (
        lower(graph, torch.sigmoid, lower(graph, torch.add, *pair))
        for pair in zip(given_parts[:2], hidden_parts[:2], strict=True)
    )
    past = lower(graph, torch.mul, reset, hidden_parts[2])
    new = lower(graph, torch.tanh, lower(graph, torch.add, given_parts[2], past))
    change = lower(graph, torch.mul, update, lower(graph, torch.sub, state[0], new))
    return [lower(graph, torch.add, new, change)]


_RNN_TANH, _RNN_RELU = _rnn_cell(torch.tanh), _rnn_cell(torch.relu)


@lowers(torch.lstm)
def lstm(
    graph: Graph,
    input: Value,
    hx: Sequence[Value | Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> list[Value]:
    _require_small(params, _LARGEST_LSTM)
    layers = _Layers(params, has_biases, num_layers, dropout if train else 0.0, bidirectional)
    return layers.run(graph, input, [graph.value(one) for one in hx], _lstm_cell)


def _require_small(params: Sequence[Tensor], largest: int) -> None:
    if params[1].shape[1] > largest:
        raise KernelError(f"is faster on PyTorch with more than {largest} hidden values")


def _plain(function: Callable[..., object], cell: Cell) -> None:
    @lowers(function)
    def handler(
        graph: Graph,
        input: Value,
        hx: Value | Tensor,
        params: Sequence[Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> list[Value]:
        _require_small(params, _LARGEST)
        layers = _Layers(params, has_biases, num_layers, dropout if train else 0.0, bidirectional)
        return layers.run(graph, input, [graph.value(hx)], cell)


_plain(torch.gru, _gru_cell)
_plain(torch.rnn_tanh, _RNN_TANH)
_plain(torch.rnn_relu, _RNN_RELU)


def _single(function: Callable[..., object], cell: Cell) -> None:
    @lowers(function)
    def handler(
        graph: Graph,
        input: Value,
        hx: Value | Tensor | Sequence[Value | Tensor],
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor | None = None,
        b_hh: Tensor | None = None,
    ) -> Value | list[Value]:
        given_state = [hx] if isinstance(hx, Value | Tensor) else hx
        state = [graph.value(one) for one in given_state]
        given = lower(graph, functional.linear, input, w_ih, b_ih)
        hidden = lower(graph, functional.linear, state[0], w_hh, b_hh)
        found = cell(graph, given, hidden, state)
        return found if len(found) > 1 else found[0]


_single(torch.lstm_cell, _lstm_cell)
_single(torch.gru_cell, _gru_cell)
_single(torch.rnn_tanh_cell, _RNN_TANH)
_single(torch.rnn_relu_cell, _RNN_RELU)


class _Layers:
    """Layers one after another, each in one direction or two."""

    def __init__(
        self, params: Sequence[Tensor], biases: bool, count: int, drop: float, both: bool
    ) -> None:
        self._directions, self._count, self._drop = 1 + both, count, drop
        self._each = 2 + 2 * biases
        self._params = params
        if len(params) != self._each * count * self._directions:
            raise KernelError("proj_size has no native kernel")

    def run(self, graph: Graph, sequence: Value, start: State, cell: Cell) -> list[Value]:
        """Return the sequence of hidden values, and the last states, as PyTorch does."""
        axis = sequence.batch_axis
        if len(sequence.shape) != 2 or axis is None:
            raise KernelError("expects a batch of sequences")
        values = replace(sequence, batch_axis=0)
        ends: list[State] = []
        for layer in range(self._count):
            if layer and self._drop:
                values = lower(graph, functional.dropout, values, self._drop)
            sides = []
            for direction in range(self._directions):
                number = layer * self._directions + direction
                state = [
                    replace(lower(graph, torch.select, one, 0, number), batch_axis=0)
                    for one in start
                ]
                hidden, end = self._follow(graph, values, state, cell, number, back=direction == 1)
                sides.append(hidden)
                ends.append(end)
            values = sides[0] if len(sides) == 1 else lower(graph, torch.cat, sides, -1)
        last = [
            replace(_stacked(graph, list(parts)), batch_axis=1) for parts in zip(*ends, strict=True)
        ]
        return [replace(values, batch_axis=axis), *last]

    def _follow(
        self, graph: Graph, values: Value, state: State, cell: Cell, number: int, *, back: bool
    ) -> tuple[Value, State]:
        """Return the hidden values at every step of one layer and direction, and the last state."""
        first = number * self._each
        weights = [*self._params[first : first + self._each], None, None]
        given = lower(graph, functional.linear, values, weights[0], weights[2])
        steps = range(values.shape[0])
        found = {}
        for step in reversed(steps) if back else steps:
            now = lower(graph, torch.select, given, 1, step)
            hidden = lower(graph, functional.linear, state[0], weights[1], weights[3])
            state = cell(graph, now, hidden, state)
            found[step] = state[0]
        return _stacked(graph, [found[step] for step in steps]), state


def _stacked(graph: Graph, values: list[Value]) -> Value:
    """Return vectors as the rows of a matrix."""
    stacked: Value = lower(graph, torch.stack, values, 1)
    return stacked
