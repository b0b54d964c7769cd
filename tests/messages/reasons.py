"""Messages that no test of the suite produces in its own process, and why."""

# Start of a site's key ("file function: raise ...") to the reason.
REASONS: dict[str, str] = {
    "lembas/gene_fits.py GenePanel._fits: raise NotImplementedError": "each has its own",
    "lembas/learners.py _Standardised._regressor: raise NotImplementedError": "each has its own",
    "lembas/cached.py _mapped: ": "the table is then made anew, and nobody sees it",
    "lembas/atomic.py write_atomically: raise plain": "the operating system's words, made plain",
    "lembas/archs4_extract.py _writing: raise plain": "the operating system's words, made plain",
}
