"""Data to diffuse: toys with an exact density, a word or a picture as points, real digits, photos, captioned scenes."""
