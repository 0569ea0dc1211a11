"""About: the version, the article and the other sources, licences, privacy, and how to install it without a network."""

import streamlit as st

from pages.about import references, software
from pages.shared import lesson
from pages.shared.i18n import _


def version() -> None:
    """Version and commit, in one sentence each."""
    st.markdown(_("This is version **{version}**.").format(version=software.VERSION) + "  \n" + commit())


def commit() -> str:
    known, _dash, changed = software.commit().partition("-")
    if not known:
        return _("This copy carries no commit: it is not a clone of the project's repository.")
    if changed:
        return _("It was made from commit `{commit}`, and changed since.").format(commit=known)
    return _("It was made from commit `{commit}`.").format(commit=known)


def sources() -> None:
    """The list, and its file."""
    st.markdown("\n".join(f"- {one.in_markdown()}" for one in references.references()))
    st.download_button(
        _("Download {file}").format(file=references.FILE.name),
        references.FILE.read_bytes(),
        references.FILE.name,
        "application/x-bibtex",
        icon=":material/download:",
        on_click="ignore",
        key="download_references",
    )


def licences() -> None:
    """What has a licence of its own, as the folders say, and the text of the one for the rest."""
    for file in software.own_licences():
        st.markdown(_("What lies beside `{file}` is under the licence in that file.").format(file=file))
    st.code((software.ROOT / "LICENSE").read_text(encoding="utf-8"), language=None, wrap_lines=True)


page = lesson.begin("about")
version()
for name, title, body in (
    ("article", _("The article"), None),
    ("sources", _("Sources"), sources),
    ("licences", _("Licences"), licences),
    ("privacy", _("Privacy"), None),
    ("offline", _("Without a network"), None),
):
    page.section(name, title, body, unfolded=name in ("article", "privacy"))
