"""Networks, each one idea a file: what they are made of, what they cost, and how their first weights are drawn.

They are modules of PyTorch, made from frozen configurations; `diffusion_core.denoisers` makes denoisers of them.
"""
