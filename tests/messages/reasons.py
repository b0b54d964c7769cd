"""Messages that no test of the suite can produce in its own process, and why."""

# Start of a site's key ("file function: raise ...") to the reason.
REASONS: dict[str, str] = {}
