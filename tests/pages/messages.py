"""Every string that a reader may see: what the catalogue of each language must hold.

``python -m tests.pages.messages`` prints those that are missing, ready for the ``.po`` file.
"""

from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
KEYWORDS = {"_": None, "BadInput": None, "Say": None, "Trial": None}  # calls whose first argument is shown


def needed() -> set[str]:
    """Marked in the source, and the names that claims and the timeline carry."""
    return {m for m in [*marked(ROOT / "pages"), *marked(ROOT / "diffusion_core"), *carried()] if m}


def marked(folder: Path) -> Iterator[str]:
    for _file, _line, message, _comments, _context in extract_from_dir(
        folder, keywords=KEYWORDS, method_map=[("**.py", "python")]
    ):
        yield message if isinstance(message, str) else message[0]


def carried() -> Iterator[str]:
    from diffusion_core.claims.ledger import ENTRIES
    from diffusion_core.claims.report import OURS, SECTION_NAMES, STATES, VERDICTS
    from pages import sections
    from pages.shared.helps import HELPS
    from pages.shared.questions.bank import bank
    from pages.shared.questions.forms import sketches
    from pages.shared.questions.section import LABELS as PAD
    from pages.shared.shell import WORDS
    from pages.shared.symbols import SYMBOLS
    from pages.shared.timeline import LABELS

    yield from WORDS
    for names in (HELPS, LABELS, OURS, PAD, SECTION_NAMES, STATES, VERDICTS):
        yield from names.values()
    yield "nothing to check"
    for questions in bank().values():
        for sketch in (one for question in questions for one in sketches(question.make(0).form)):
            yield from (*sketch.curves, *sketch.points)
    yield from (symbol.says for symbol in SYMBOLS)
    yield from (name for name, _pages in sections())
    for entry in ENTRIES:
        yield from (entry.article, entry.correct)
        for claim in entry.claims:
            yield claim.says
            yield from claim.mistakes


def catalogue(language: str) -> Catalog:
    """The strings of one language."""
    with (ROOT / "assets" / "locale" / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language)


if __name__ == "__main__":
    have = catalogue("zh")
    for message in sorted(needed()):
        known = have.get(message)
        if not (known and known.string):
            print(f"msgid {message!r}\n")
