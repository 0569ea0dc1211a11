"""The posterior: from Bayes' rule to its variance and its mean, and the step without x_0, which is not Gaussian."""
