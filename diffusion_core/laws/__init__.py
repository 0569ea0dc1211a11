"""What is known exactly: laws of data whose diffusion has closed forms, bounds, and the laws of what is generated."""
