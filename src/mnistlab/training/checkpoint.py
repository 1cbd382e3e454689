"""Checkpoints: the state of an unfinished run, from which it ends in the same bits.

The format is safetensors; nothing is pickled.
"""

import json
from typing import Literal

import torch
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from mnistlab.errors import RecipeError, RunError
from mnistlab.recipe import Recipe
from mnistlab.runs import BLANK, CodeDigest, EpochMetrics, Seed, seal, seal_is_broken
from mnistlab.training.optimizer_state import pack_state, unpack_state
from mnistlab.training.trainer import Trainer

_HEADER = "mnistlab"
_START_OVER = "start over with `overwrite=True`, or remove the run's folder"


class CheckpointHeader(BaseModel):
    """What a checkpoint holds beside its tensors, as JSON."""

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    recipe: Recipe
    seed: Seed
    fingerprint: str
    device: str
    threads: int = Field(ge=1)
    kernels: str = "torch"
    source: str = ""
    imports: dict[str, str] | None = None
    init: str = ""
    """SHA-256 of the initial weights; empty if the recipe names none."""
    code: dict[str, CodeDigest] = {}
    optimizer: str = ""
    """Its state but for the tensors, as JSON, see :func:`pack_state`."""
    started: AwareDatetime
    history: tuple[EpochMetrics, ...]
    batch: int = Field(ge=0)
    seconds: float = Field(ge=0)
    sha256: str = ""
    """Checksum of the whole file; empty in checkpoints of versions that had none."""

    @model_validator(mode="after")
    def _is_consistent(self) -> "CheckpointHeader":
        if [epoch.epoch for epoch in self.history] != list(
            range(1, min(len(self.history), self.recipe.epochs) + 1)
        ):
            raise ValueError(
                f"history: must be epochs 1, 2, ... of the recipe's {self.recipe.epochs}"
            )
        return self


def pack_checkpoint(
    trainer: Trainer, fingerprint: str, threads: int, started: AwareDatetime
) -> bytes:
    """Serialise a trainer's state.

    Args:
        trainer: between two batches.
        fingerprint: of the dataset.
        threads: CPU threads in use.
        started: when the run was started.

    Returns:
        A safetensors file, with its checksum.
    """
    header = CheckpointHeader(
        recipe=trainer.recipe,
        seed=trainer.seed,
        fingerprint=fingerprint,
        device=trainer.device.type,
        threads=threads,
        kernels=trainer.backend.kernels,
        source=trainer.source.digest,
        imports=trainer.source.imports,
        init=trainer.init.sha256 if trainer.init else "",
        code={field: CodeDigest.of(source) for field, source in trainer.code.items()},
        started=started,
        history=tuple(trainer.history),
        batch=trainer.batch,
        seconds=trainer.seconds,
        sha256=BLANK,
    )
    tensors = {f"model.{name}": value for name, value in trainer.model.state_dict().items()}
    optimizer = json.dumps(pack_state(trainer.optimizer.state_dict(), "optimizer", tensors))
    header = header.model_copy(update={"optimizer": optimizer})
    tensors |= {f"average.{index}": value for index, value in enumerate(trainer.averaging.averages)}
    tensors |= {f"best.{name}": value for name, value in trainer.early_stopping.weights.items()}
    tensors |= {"losses": trainer.losses, "correct": trainer.correct}
    return seal(save(_detached(tensors), {_HEADER: header.model_dump_json()}))


def pack_model(model: torch.nn.Module) -> bytes:
    """Serialise a model's weights and buffers as a safetensors file."""
    return save(_detached(model.state_dict()))


def load_weights(
    model: torch.nn.Module, content: bytes, name: str, *, assign: bool = False
) -> None:
    """Load weights that :func:`pack_model` serialised into a model.

    Args:
        model: to which they belong.
        content: what was written.
        name: of the file.
        assign: put them in the place of the model's own, which may be on the device ``meta``.

    Raises:
        RunError: damaged, or the weights of another model; the message starts with ``name``.
    """
    try:
        tensors = load(content)
        if assign:
            for key, value in model.state_dict().items():
                if key in tensors and tensors[key].dtype != value.dtype:
                    raise ValueError(f"{key} is {tensors[key].dtype}, not {value.dtype}")
        model.load_state_dict(tensors, assign=assign)
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise RunError(f"{name}: does not contain this model's weights: {error}") from error


def read_header(content: bytes, name: str) -> CheckpointHeader:
    """Parse a checkpoint's header, and verify its checksum.

    Raises:
        RunError: damaged, or of another version; the message starts with ``name``.
    """
    # A safetensors file is eight bytes of header length, the header as JSON with a "__metadata__"
    # table, then the tensors.
    length = int.from_bytes(content[:8], "little")
    if seal_is_broken(content):
        raise RunError(f"{name}: damaged: its checksum does not match; {_START_OVER}")
    try:
        metadata = json.loads(content[8 : 8 + length])["__metadata__"]
        return CheckpointHeader.model_validate_json(metadata[_HEADER])
    except (ValueError, KeyError, TypeError, RecursionError, RecipeError) as error:
        raise RunError(f"{name}: damaged, or not a checkpoint; {_START_OVER}") from error


def restore(trainer: Trainer, header: CheckpointHeader, content: bytes, name: str) -> None:
    """Load a checkpoint's state into a new trainer of the same recipe.

    Raises:
        RunError: the tensors are damaged or do not fit; the message starts with ``name``.
    """
    try:
        tensors = load(content)
        trainer.model.load_state_dict(_with_prefix(tensors, "model."))
        trainer.optimizer.load_state_dict(unpack_state(json.loads(header.optimizer), tensors))
        for number, average in enumerate(trainer.averaging.averages):
            average.copy_(tensors[f"average.{number}"])
        trainer.early_stopping.weights = {
            name: value.to(trainer.device) for name, value in _with_prefix(tensors, "best.").items()
        }
        trainer.losses.copy_(tensors["losses"])
        trainer.correct.copy_(tensors["correct"])
    except (SafetensorError, RuntimeError, KeyError, ValueError, TypeError, IndexError) as error:
        raise RunError(f"{name}: damaged, or the checkpoint of another model ({error})") from error
    trainer.history = list(header.history)
    trainer.batch = header.batch
    trainer.seconds = header.seconds


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }


def _detached(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    # Copies, since safetensors refuses tensors that share memory, as tied weights do.
    return {
        name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
        for name, value in tensors.items()
    }
