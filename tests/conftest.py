"""What all tests share."""

import torch

# Small arrays are fastest on one thread; on a busy machine a second one makes them ten times slower.
torch.set_num_threads(1)
