"""Makes the run that the page on text and guidance shows first, and its grid over guidance scales.

python assets/models/make_shapes_run.py

It writes shapes_run.npz, which holds only for the weights that made it: make it again after training.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import torch  # noqa: E402

from pages.guidance import runs  # noqa: E402
from pages.shared import weights  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    model, coder = weights.SHAPES.get(), weights.AUTOENCODER.get()
    if model is None or coder is None:
        raise SystemExit(f"{weights.SHAPES.file} and {weights.AUTOENCODER.file} must be there first.")
    made, grid = runs.run(runs.DEFAULT, model, coder), runs.grid(runs.DEFAULT, model, coder)
    runs.save_shipped(HERE / runs.RUN, model.key, made, grid)


if __name__ == "__main__":
    main()
