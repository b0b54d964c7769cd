"""A real single-node Slurm, and a run on it that is disturbed."""
