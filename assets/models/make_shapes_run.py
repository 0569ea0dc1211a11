"""Makes the run that the page on text and guidance shows first, and its grid over guidance scales.

python assets/models/make_shapes_run.py

It writes shapes_run.npz, which holds only for the weights that made it: make it again after training.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

import torch  # noqa: E402

from pages.shared import networks, prompts  # noqa: E402


def main() -> None:
    torch.set_num_threads(1)
    model, autoencoder = prompts.shipped(), networks.autoencoder()
    if model is None or autoencoder is None:
        raise SystemExit(f"{networks.SHAPES} and {networks.AUTOENCODER} must be there first.")
    made = prompts.run(prompts.DEFAULT, model.key, model.predictor, autoencoder)
    grid = prompts.grid(prompts.DEFAULT, model.key, model.predictor, autoencoder)
    prompts.save_shipped(HERE / prompts.RUN, model.key, made, grid)


if __name__ == "__main__":
    main()
