"""Resumption: checks that the run in a folder is the one to be resumed."""

from collections.abc import Mapping
from pathlib import Path

from mnistlab.errors import RunError
from mnistlab.kernels import SAME_BITS
from mnistlab.recipe import Recipe, Source
from mnistlab.runs import CodeDigest
from mnistlab.training.checkpoint import CheckpointHeader


def refuse_other_run(
    path: Path,
    header: CheckpointHeader,
    recipe: Recipe,
    seed: int,
    source: Source,
    fingerprint: str,
    device: str,
    threads: int | None,
) -> None:
    """Refuse a checkpoint of another run, another device, or other threads.

    The number of threads matters on PyTorch only, where it changes the bits of the result.

    More epochs than it was to have are no difference where they can follow.

    Raises:
        RunError: the message says what differs.
    """
    refuse_difference(
        path, header.recipe, header.seed, header.fingerprint, recipe, seed, fingerprint
    )
    refuse_other_source(path, header.source, header.imports, source)
    if device != header.device:
        raise RunError(
            f"{path}: was started on {header.device}, not {device}; give `device={header.device!r}`"
        )
    if header.kernels == "torch" and threads not in (None, header.threads):
        number = "1 thread" if header.threads == 1 else f"{header.threads} threads"
        raise RunError(f"{path}: was started on {number}, not {threads}; leave `threads=` out")


def refuse_other_kernels(path: Path, old: str, new: str) -> None:
    """Refuse to resume a run with kernels of other bits than it was started with.

    Raises:
        RunError: the message says what differs.
    """
    if old != new and not {old, new} <= set(SAME_BITS):
        raise RunError(
            f"{path}: was started with the native kernels {old}, which do not give the same bits as"
            f" {new}; start over with `overwrite=True`, or remove the folder"
        )


def refuse_other_source(
    path: Path, digest: str, imports: Mapping[str, str] | None, source: Source
) -> None:
    """Refuse a run whose user model has been edited since.

    A record without a digest, as earlier versions wrote it, passes.

    Raises:
        RunError: the message names the file.
    """
    if difference := source.difference(digest, imports):
        raise RunError(
            f"{path}: {difference} since this run was started; choose another folder, or give"
            " `overwrite=True`"
        )


def refuse_other_weights(path: Path, recorded: str, digest: str) -> None:
    """Refuse a run whose initial weights are others by now.

    Args:
        path: the run's folder.
        recorded: SHA-256 of those that it started from.
        digest: SHA-256 of those that its recipe names now.

    Raises:
        RunError: they differ.
    """
    if recorded != digest:
        raise RunError(
            f"{path}: the weights that its recipe names as init have changed since this run was"
            " started; choose another folder, or give `overwrite=True`"
        )


def refuse_other_code(
    path: Path, digests: Mapping[str, CodeDigest], code: Mapping[str, Source]
) -> None:
    """Refuse a run whose loss or optimiser of the user's own has been edited since.

    Raises:
        RunError: the message names the file.
    """
    for field, source in code.items():
        if field in digests:
            refuse_other_source(path, digests[field].source, digests[field].imports, source)


def refuse_difference(
    path: Path,
    old_recipe: Recipe,
    old_seed: int,
    old_fingerprint: str,
    recipe: Recipe,
    seed: int,
    fingerprint: str,
) -> None:
    """Refuse a folder whose run differs in recipe (except its name), seed or images.

    More epochs are no difference unless every step depends on how many there are.

    Raises:
        RunError: the message says what differs.
    """
    old, new = old_recipe.model_dump(exclude={"name"}), recipe.model_dump(exclude={"name"})
    differing = [key for key in new if old[key] != new[key]]
    if differing == ["epochs"] and new["epochs"] > old["epochs"]:
        if recipe.bound_to_epochs and (old_seed, old_fingerprint) == (seed, fingerprint):
            raise RunError(
                f"{path}: holds a run of {old['epochs']} epochs, which cannot go on to"
                f" {new['epochs']}: with {recipe.bound_to_epochs} they would have been others from"
                " the start; choose another folder, or give `overwrite=True`"
            )
        differing = ["epochs"] if recipe.bound_to_epochs else []
    differences = [f"{key} = {old[key]!r}, not {new[key]!r}" for key in differing]
    if old_seed != seed:
        differences.append(f"seed = {old_seed}, not {seed}")
    if not differences and old_fingerprint != fingerprint:
        differences.append(f"other images (fingerprint {old_fingerprint}, not {fingerprint})")
    if differences:
        raise RunError(
            f"{path}: holds a run with {'; '.join(differences)}; choose another folder, or give"
            " `overwrite=True`"
        )
