"""What a training of the reader's networks keeps from step to step, and in a file."""

import math
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from mnistlab.runs.atomic import write_atomically

AVERAGING = 0.999


class State:
    """A network, its optimizer, the moving average of its weights, and sums of what is reported.

    Attributes:
        net: in training; its weights are changed in place.
        average: of its weights and buffers, by name.
        sums: float32, to be added to.
        step: steps made so far.
        notes: text that is kept in the file.
    """

    def __init__(self, net: nn.Module, *, rate: float, weight_decay: float, sums: int) -> None:
        self.net = net
        self.average = {name: value.clone() for name, value in net.state_dict().items()}
        self.sums = torch.zeros(sums, device=next(net.parameters()).device)
        self.step = 0
        self.notes = ""
        self._rate = rate
        self._optimizer = torch.optim.AdamW(
            net.parameters(), lr=rate, weight_decay=weight_decay, foreach=True
        )

    def descend(self, loss: Tensor, share: float, clip: float = math.inf) -> None:
        """Make one step against the gradient of a loss, with a share of the learning rate.

        Args:
            loss: one number.
            share: 0 to 1.
            clip: the longest gradient; longer ones are made so short.
        """
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate * share
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if clip < math.inf:
            nn.utils.clip_grad_norm_(self.net.parameters(), clip)
        self._optimizer.step()
        self.step += 1
        self._follow(min(AVERAGING, self.step / (self.step + 9)))

    @torch.no_grad()
    def _follow(self, share: float) -> None:
        state = self.net.state_dict()
        for name, value in self.average.items():
            if value.is_floating_point():
                value.lerp_(state[name], 1 - share)

    def save(self, file: Path) -> None:
        """Write all of it to a file."""
        state = {f"net.{name}": value for name, value in self.net.state_dict().items()}
        state |= {f"average.{name}": value for name, value in self.average.items()}
        state["sums"] = self.sums
        for index, held in self._optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{index}.{name}": value for name, value in held.items()}
        notes = {"step": str(self.step), "notes": self.notes}
        write_atomically(file, save({k: v.contiguous() for k, v in state.items()}, notes))

    def restore(self, file: Path) -> None:
        """Load what was written to a file, if there is one."""
        if not file.exists():
            return
        with safe_open(file, "pt") as opened:
            kept = opened.metadata()
            state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        self.step, self.notes = int(kept["step"]), kept.get("notes", "")
        self.sums.copy_(state["sums"])
        self.net.load_state_dict(_under(state, "net."))
        for name, value in _under(state, "average.").items():
            self.average[name].copy_(value)
        held: dict[int, dict[str, Tensor]] = {}
        for name, value in _under(state, "optimizer.").items():
            index, part = name.split(".")
            held.setdefault(int(index), {})[part] = value
        self._optimizer.load_state_dict({**self._optimizer.state_dict(), "state": held})


def _under(state: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }
