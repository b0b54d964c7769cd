"""What a run can fail with; apart from what runs it, so that asking costs no import."""


class ChapterError(RuntimeError):
    """A chapter did not finish: a failing cell, a time-out or a dead kernel."""
