"""Checkpoints: plain arrays with checksums, written by Orbax in the background, whole or not at all."""

import asyncio
import errno
import logging
import os
import shutil
import time
import zlib
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import numpy as np
import orbax.checkpoint as ocp
from jax.experimental import multihost_utils

from gengen.core.refusal import Refusal
from gengen.files.places import plain
from gengen.training.loop import NonFiniteError

KEEP = 3
"""Number of checkpoints kept: the latest and those before it, should the latest be damaged."""

log = logging.getLogger("gengen")


class DamagedError(Exception):
    """A checkpoint's content is not what was written."""


class _Patient(ocp.type_handlers.NumpyHandler):
    """Reads arrays as Orbax does, but waits for all of them where one is damaged.

    Orbax leaves the others behind and closes the event loop that they report to: a traceback for each.
    """

    async def metadata(self, infos: Sequence[Any]) -> list[Any]:
        return await _all(super(_Patient, self).metadata([info]) for info in infos)

    async def deserialize(self, infos: Sequence[Any], args: Sequence[Any] | None = None) -> list[np.ndarray]:
        return await _all(
            super(_Patient, self).deserialize([info], [arg])
            for info, arg in zip(infos, args or [ocp.RestoreArgs()] * len(infos), strict=True)
        )


async def _all(single: Iterable[Awaitable[Sequence[Any]]]) -> list[Any]:
    """What single requests give, when all of them are done."""
    done: list[Any] = await asyncio.gather(*single, return_exceptions=True)
    for error in done:
        if isinstance(error, BaseException):
            raise error
    return [result[0] for result in done]


class Checkpoints:
    """The checkpoints of one run folder.

    Each is a folder named by its step with one array per leaf of the tree, named by the leaf's path (such as
    "variables.critic.params.Dense_0.kernel"), and the CRC-32 of each. Saving copies the tree to the host and returns;
    a folder gets its name only when it is complete. The first one that an object saves is read again before anything
    else happens, because a file system may take what it does not give back. Every process of a run must call `save`
    alike.
    """

    def __init__(self, folder: Path, *, read_only: bool = False, keep: int = KEEP) -> None:
        self._folder, self._keep, self._proven = folder, keep, False
        self._resources = ExitStack()
        patient = ocp.type_handlers.create_type_handler_registry((np.ndarray, _Patient()))
        handlers = ocp.handlers.DefaultCheckpointHandlerRegistry()
        handler = ocp.PyTreeCheckpointHandler(type_handler_registry=patient)
        for args in (ocp.args.PyTreeSave, ocp.args.PyTreeRestore):
            handlers.add("state", args, handler)
        self._manager = ocp.CheckpointManager(
            self._resources.enter_context(plain(folder)),
            options=ocp.CheckpointManagerOptions(
                max_to_keep=keep,
                create=not read_only,
                read_only=read_only,
                cleanup_tmp_directories=not read_only,
                enable_async_checkpointing=not read_only,
            ),
            handler_registry=handlers,
        )
        self._read_only = read_only

    def save(self, step: int, tree: Any) -> None:
        """Starts to save a tree of arrays as the checkpoint of a step, unless there is one.

        Raises:
          NonFiniteError: a leaf holds a value that is not finite; nothing is written.
          OSError: there is no room for it, or the checkpoint before could not be written.
          Refusal: the first checkpoint was written and cannot be read.
        """
        if step in self.steps():
            return
        # On a CPU these are the arrays themselves; Orbax copies what is on the host before it returns.
        arrays = {name: np.asarray(leaf) for name, leaf in named_leaves(tree).items()}
        for name, array in arrays.items():
            if np.issubdtype(array.dtype, np.inexact) and not np.isfinite(array).all():
                raise NonFiniteError(name, step, float(array[~np.isfinite(array)][0]))
        need = 2 * sum(array.nbytes for array in arrays.values())  # TensorStore writes its data and then merges them
        if shutil.disk_usage(self._folder).free < need:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._folder))
        self._manager.save(
            step,
            args=ocp.args.Composite(state=ocp.args.PyTreeSave(arrays), checksums=ocp.args.JsonSave(checksums(arrays))),
        )
        if not self._proven:
            self._prove(step)

    def _prove(self, step: int) -> None:
        self.wait()
        try:
            self.read(step)
        except Exception as error:
            self._set_aside([step])
            raise Refusal(
                f"the checkpoint of step {step} was written to {self._folder} and cannot be read again "
                f"({_brief(error)}); check the disk, or choose another --workdir."
            ) from error
        self._proven = True

    def restore_latest(self, template: Any) -> tuple[int, Any] | None:
        """Restores the newest checkpoint that is whole; damaged ones are set aside with a warning.

        Args:
          template: a tree of the same structure, of arrays or `jax.ShapeDtypeStruct`s.

        Returns:
          (step, tree of numpy arrays), or None if there is no checkpoint.

        Raises:
          Refusal: every checkpoint is damaged, or the newest whole one is of another model.
        """
        steps = self.steps()[::-1]
        for index, step in enumerate(steps):
            try:
                arrays = self.read(step)
            except Exception as error:  # Orbax and TensorStore raise many kinds for files that are cut or missing
                log.warning("checkpoint %d in %s is damaged and is skipped (%s)", step, self._folder, _brief(error))
            else:
                self._set_aside(steps[:index])
                return step, self._fit(arrays, template)
        if steps:
            raise Refusal(f"every checkpoint in {self._folder} is damaged; start again with another --workdir.")
        return None

    def read(self, step: int) -> dict[str, np.ndarray]:
        """Reads the arrays of one checkpoint by name.

        Raises:
          DamagedError: they are not what was written; Orbax and TensorStore raise others for files that are cut.
        """
        saved = self._manager.restore(
            step,
            args=ocp.args.Composite(state=ocp.args.PyTreeRestore(), checksums=ocp.args.JsonRestore()),
        )
        arrays = {name: np.asarray(array) for name, array in saved.state.items()}
        if checksums(arrays) != saved.checksums:
            raise DamagedError("its checksums differ")
        return arrays

    def _fit(self, arrays: dict[str, np.ndarray], template: Any) -> Any:
        leaves = named_leaves(template)
        for name in sorted(leaves.keys() | arrays.keys()):
            here, there = _kind(leaves.get(name)), _kind(arrays.get(name))
            if here != there:
                raise Refusal(
                    f"the checkpoint in {self._folder} is of another model: {name} is {there} there and {here} here."
                )
        return jax.tree.unflatten(jax.tree.structure(template), [arrays[name] for name in leaves])

    def _set_aside(self, damaged: list[int]) -> None:
        """Renames damaged checkpoints, so that the run can save those steps again and nothing is lost."""
        if not damaged or self._read_only:
            return
        if jax.process_index() == 0:
            for step in damaged:
                (self._folder / str(step)).replace(self._folder / f"damaged-{step}-{time.time_ns()}")
        if jax.process_count() > 1:
            multihost_utils.sync_global_devices("damaged checkpoints are set aside")
        self._manager.reload()

    def drop_after(self, step: int) -> None:
        """Deletes the checkpoints of later steps; every process of a run must call it alike."""
        for later in [saved for saved in self.steps() if saved > step]:
            self._manager.delete(later)

    def steps(self) -> list[int]:
        """The steps of all checkpoints, in order."""
        return sorted(self._manager.all_steps())

    def latest(self) -> int | None:
        """The step of the newest checkpoint; None if there is none."""
        step: int | None = self._manager.latest_step()
        return step

    def wait(self) -> None:
        """Waits until the last checkpoint is on disk.

        Raises:
          OSError: it could not be written.
        """
        self._manager.wait_until_finished()
        for old in self.steps()[: -self._keep]:  # of a process that was killed before it deleted them
            self._manager.delete(old)

    def close(self) -> None:
        """Waits and lets go of the folder."""
        self._manager.close()
        self._resources.close()


def named_leaves(tree: Any) -> dict[str, Any]:
    """Names each leaf of a tree by its path, in the tree's order."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="."): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def checksums(arrays: dict[str, np.ndarray]) -> dict[str, int]:
    """The CRC-32 of each array's bytes."""
    return {name: zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data) for name, array in arrays.items()}


def _kind(leaf: Any) -> str:
    return "missing" if leaf is None else f"{leaf.dtype}{list(leaf.shape)}"


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0][:120] if str(error).strip() else ''}"
