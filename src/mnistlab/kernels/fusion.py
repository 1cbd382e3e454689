"""Fusion: consecutive operations become one fused op."""

from collections import Counter
from dataclasses import replace

from mnistlab.errors import KernelError
from mnistlab.kernels.layers import FUSED, MAX_POOL, NO_POOL, PlannedLayer, Value


def fuse(layers: list[PlannedLayer], logits: Value) -> list[PlannedLayer]:
    """Fuse batch norm, ReLU and pooling that follow one another.

    Args:
        layers: in the order in which they are computed.
        logits: the last value.

    Raises:
        KernelError: a layer does not contribute to the logits.
    """
    needed = {logits.number}
    for layer in reversed(layers):
        if layer.output.number in needed:
            needed |= {value.number for value in (layer.input, layer.other) if value}
    fused: list[PlannedLayer] = []
    now: dict[int, int] = {0: 0}  # from a value's number before fusion to the one after
    uses = Counter(
        v.number for k in layers if k.output.number in needed for v in (k.input, k.other) if v
    )
    for layer in layers:
        if layer.output.number not in needed:
            raise KernelError("the result of a layer is not used")
        before = fused[-1] if fused else None
        if (
            before
            and now[layer.input.number] == len(fused)
            and uses[layer.input.number] == 1
            and _fusible(before, layer)
        ):
            fused[-1] = replace(
                before,
                output=replace(layer.output, number=len(fused)),
                relu=before.relu or layer.relu,
                pool=before.pool or layer.pool,
            )
        else:
            other = layer.other and replace(layer.other, number=now[layer.other.number])
            renumbered = replace(layer.input, number=now[layer.input.number])
            output = replace(layer.output, number=len(fused) + 1)
            fused.append(replace(layer, input=renumbered, other=other, output=output))
        now[layer.output.number] = len(fused)
    if now[logits.number] != len(fused) or uses[logits.number]:
        raise KernelError("the logits are not the last value that is computed")
    return fused


def _fusible(before: PlannedLayer, layer: PlannedLayer) -> bool:
    """Return whether two fused ops can be one, in the order batch norm, ReLU, pooling.

    ReLU after max-pooling gives the same as before it.
    """
    if before.kind != FUSED or layer.kind != FUSED or layer.batch_norm:
        return False
    if layer.pool:
        return before.pool == NO_POOL
    return before.pool in (NO_POOL, MAX_POOL)
