"""Bad input gets one sentence: which argument, what came, what is allowed."""

__all__ = ["BadInput"]


class BadInput(ValueError):
    """A ``ValueError`` whose sentence is a template and its facts, so that a page can say it in the reader's language.

    ``str(error)`` is the English sentence; ``_(error.template).format(**error.facts)`` is any other.

    >>> str(BadInput("T must be an integer of at least 1; got {got}.", got=0))
    'T must be an integer of at least 1; got 0.'
    """

    def __init__(self, template: str, **facts: object) -> None:
        super().__init__(template.format(**facts))
        self.template = template
        self.facts = facts
