"""The reverse process: a step, a run, the density of a path, and what the best denoiser says."""
