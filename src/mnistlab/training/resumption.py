"""Resumption: whether what a folder holds is the run that is asked for."""

from collections.abc import Mapping
from pathlib import Path

from mnistlab.errors import RunError
from mnistlab.recipe import Recipe, Source
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
    """Refuse to go on with a checkpoint of another run, device, or (on plain PyTorch) number of
    threads.

    Raises:
        RunError: it says what differs.
    """
    refuse_difference(
        path, header.recipe, header.seed, header.fingerprint, recipe, seed, fingerprint
    )
    refuse_other_source(path, header.source, header.imports, source)
    if device != header.device:
        raise RunError(
            f"{path}: was begun on {header.device}, not {device}; give --device {header.device}"
        )
    if header.kernels == "torch" and threads not in (None, header.threads):
        raise RunError(
            f"{path}: was begun on {header.threads} threads, not {threads}; leave --threads out"
        )


def refuse_other_kernels(path: Path, old: str, new: str) -> None:
    """Refuse to go on with other kernels than a run was begun with.

    Raises:
        RunError: it says what differs.
    """
    if old != new:
        raise RunError(
            f"{path}: was begun with the fast layers {old}, whose bits differ from {new}; give"
            " --overwrite"
        )


def refuse_other_source(
    path: Path, digest: str, imports: Mapping[str, str] | None, source: Source
) -> None:
    """Refuse a run whose model's code has been changed since; a record of a version that kept no
    digest passes.

    Raises:
        RunError: it names the file.
    """
    if difference := source.difference(digest, imports):
        raise RunError(f"{path}: {difference} since; name another folder, or give --overwrite")


def refuse_difference(
    path: Path,
    old_recipe: Recipe,
    old_seed: int,
    old_fingerprint: str,
    recipe: Recipe,
    seed: int,
    fingerprint: str,
) -> None:
    """Refuse a folder whose run differs in recipe, seed or images; its name does not count.

    Raises:
        RunError: it says what differs.
    """
    old, new = old_recipe.model_dump(exclude={"name"}), recipe.model_dump(exclude={"name"})
    differences = [f"{key} = {old[key]!r}, not {new[key]!r}" for key in new if old[key] != new[key]]
    if old_seed != seed:
        differences.append(f"seed = {old_seed}, not {seed}")
    if not differences and old_fingerprint != fingerprint:
        differences.append(f"other images (fingerprint {old_fingerprint}, not {fingerprint})")
    if differences:
        raise RunError(
            f"{path}: holds a run with {'; '.join(differences)}; name another folder, or give"
            " --overwrite"
        )
