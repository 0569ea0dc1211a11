"""What the pages and the docstrings cite: one BibTeX file, to be read here and taken away."""

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["FILE", "Reference", "references"]

FILE = Path(__file__).with_name("references.bib")
_ENTRY = re.compile(r"^@(\w+)\{(\w+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
_FIELD = re.compile(r"^  (\w+) = \{(.*)\},?$", re.MULTILINE)
_PLACES = ("journal", "booktitle", "publisher")


@dataclass(frozen=True)
class Reference:
    """One entry. ``authors`` are surnames; ``where`` is the journal, the proceedings or the publisher, if any."""

    key: str
    authors: tuple[str, ...]
    year: int
    title: str
    where: str
    number: str
    address: str

    def in_markdown(self) -> str:
        """One line: who, when, what (linked, where it has an address), where."""
        who = ", ".join(self.authors[:3]) + (" et al." if len(self.authors) > 3 else "")
        what = f"[{self.title}]({self.address})" if self.address else self.title
        return f"{who} ({self.year}). {what}. " + ". ".join(part for part in (self.where, self.number) if part)


@cache
def references() -> tuple[Reference, ...]:
    """All entries, by the surname of their first author and the year."""
    entries = _ENTRY.findall(FILE.read_text(encoding="utf-8"))
    found = [_reference(key, dict(_FIELD.findall(body))) for _kind, key, body in entries]
    return tuple(sorted(found, key=lambda one: (one.authors, one.year)))


def _reference(key: str, fields: dict[str, str]) -> Reference:
    number, address = "", fields.get("url", "")
    if "eprint" in fields:
        number, address = f"arXiv:{fields['eprint']}", f"https://arxiv.org/abs/{fields['eprint']}"
    elif "doi" in fields:
        quoted = fields["doi"].replace("(", "%28").replace(")", "%29")
        number, address = f"doi:{fields['doi']}", f"https://doi.org/{quoted}"
    return Reference(
        key,
        tuple(author.partition(",")[0] for author in fields["author"].split(" and ")),
        int(fields["year"]),
        title=re.sub(r"[{}]", "", fields["title"]),
        where=next((fields[place] for place in _PLACES if place in fields), ""),
        number=number,
        address=address,
    )
