"""Which variance: beta, beta-tilde, the best one or a learned one, by what comes out and by the bound."""
