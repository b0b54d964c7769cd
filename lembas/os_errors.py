"""Say in a sentence why the system refused to read or write a file."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
# HDF5 writes the system's number into its own message.
_NUMBER = re.compile(r"errno = (\d+)")


def plain_os_error(error: OSError | RuntimeError, path: str | Path | None = None) -> Exception:
    """Put an error of the system into one sentence that says how to mend it.

    Args:
        error: The error; HDF5 raises a RuntimeError when it cannot close a file.
        path: The file concerned; None: the one the error names, if any.

    Returns:
        An OSError whose text is the sentence; the error itself when it has no number of the
        system's, as when it was put into a sentence before.
    """
    number = getattr(error, "errno", None)
    if number is None:
        found = _NUMBER.search(str(error))
        if found is None:
            return error
        number = int(found.group(1))
    where = path if path is not None else getattr(error, "filename", None)
    what = "a file" if where is None else str(where)
    kind: type[OSError] = PermissionError if number in _FORBIDDEN else OSError
    return kind(f"{what} cannot be read or written ({os.strerror(number)}); {_remedy(number)}")


def _remedy(number: int) -> str:
    if number in _FULL:
        return "free some space, or work on another disk"
    if number in _FORBIDDEN:
        return "ask for permission to write there, or work in a folder of your own"
    return "check the path and the disk"
