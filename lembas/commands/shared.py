"""What commands share: the project's folder."""

from pathlib import Path


def project_root() -> Path:
    """Find the project that the working folder lies in.

    Raises:
        FileNotFoundError: If it lies in none.
    """
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "_toc.yml").is_file() and (folder / "profiles").is_dir():
            return folder
    raise FileNotFoundError(
        "this folder is not in a lembas project (no _toc.yml beside profiles/); "
        "change to the project's folder"
    )
