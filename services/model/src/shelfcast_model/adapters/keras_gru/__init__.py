"""The factor-normalised direct GRU, in TensorFlow; the only package that imports it."""
