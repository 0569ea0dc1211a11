"""The article's statements in its own order, each with a verdict, what is right, and its claims."""
