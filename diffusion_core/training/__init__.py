"""Training: one loop for a page, a notebook and a command; its files, the judges, and the recipes of the shipped."""
