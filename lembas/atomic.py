"""Write a file whole or not at all."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from lembas.os_errors import plain_os_error


def write_atomically(path: str | Path, write: Callable[[Path], None]) -> None:
    """Write a file under another name in the same folder, then move it into place.

    Args:
        path: Where the file shall be; its folder is made when missing.
        write: Writes to the path it is given; whatever it raises is passed on, and then
            neither a part of the new file is left nor the old one touched.

    Raises:
        OSError: If the disk is full or may not be written to, in one sentence.
    """
    path = Path(path)
    # Machine and process number keep two writers apart; the suffix stays, for formats go by it.
    unfinished = path.with_name(f".{path.stem}.{platform.node()}-{os.getpid()}{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(unfinished)
        unfinished.replace(path)
    except (OSError, RuntimeError) as error:
        plain = plain_os_error(error, path)
        if plain is error:
            raise
        raise plain from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove the unfinished files below a folder whose writers on this machine were killed."""
    name = re.compile(rf"\..*\.{re.escape(platform.node())}-(\d+)(\.[^.]*)?")
    for path in folder.rglob(f".*.{platform.node()}-*"):
        found = name.fullmatch(path.name)
        if found and not _is_alive(int(found.group(1))):
            path.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True
