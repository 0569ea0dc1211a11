"""Paint the picture that "Your photo" shows before a photo is uploaded: hills at dusk, from formulas alone.

python assets/data/make_example_photo.py        writes example_photo.jpg beside this file
"""

from pathlib import Path

import numpy as np
from PIL import Image

HEIGHT, WIDTH = 384, 512


def ridge(generator: np.random.Generator, height: float, roughness: float) -> np.ndarray:
    """A skyline, by adding sines of falling size: (WIDTH,) in rows from the top."""
    x = np.linspace(0, 1, WIDTH)
    line = np.full(WIDTH, height)
    for octave in range(1, 9):
        size = roughness / octave**1.35
        line += size * np.sin(2 * np.pi * (octave * 1.3 * x + generator.random()))
    return line * HEIGHT


def paint() -> np.ndarray:
    """(HEIGHT, WIDTH, 3) uint8."""
    generator = np.random.default_rng(7)
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    down = (y / HEIGHT)[..., None]
    sky = (1 - down) * np.array([42, 58, 110.0]) + down * np.array([255, 170, 105.0])
    distance = np.hypot(x - 350, y - 150)[..., None]
    sky += np.exp(-((distance / 130) ** 2)) * np.array([60, 70, 40.0])
    picture = np.where(distance < 30, np.array([255, 244, 214.0]), sky)
    far, near = np.array([150, 112, 130.0]), np.array([18, 24, 34.0])
    for depth, height in enumerate((0.52, 0.62, 0.73, 0.86)):
        skyline = ridge(generator, height, 0.055 - 0.008 * depth)
        color = far + (near - far) * depth / 3
        haze = np.clip((y - skyline) / 120, 0, 1)[..., None] * 22 * (1 - depth / 4)
        picture = np.where((y > skyline)[..., None], color + haze, picture)
    picture += generator.normal(0, 2.0, picture.shape)  # the grain of a sensor
    return picture.clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    Image.fromarray(paint()).save(Path(__file__).with_name("example_photo.jpg"), quality=90)
