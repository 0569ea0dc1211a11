"""The API reference: ``make docs`` builds it from the docstrings, with mathematics as MathML, and no network."""

import re

from docutils import nodes
from docutils.utils.math import MathError, pick_math_environment
from docutils.utils.math.latex2mathml import tex2mathml
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

import diffusion_core

project = "diffusion_core"
copyright = "2026, the authors"
version = release = diffusion_core.__version__

extensions = ["sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_default_options = {"members": True, "member-order": "bysource", "show-inheritance": True}
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring, napoleon_numpy_docstring = True, False
default_role = "any"  # `q_sample` in a docstring is a link
nitpicky = False
suppress_warnings = ["ref.any", "ref.python"]

html_theme = "furo"
html_title = f"diffusion_core {release}"
html_math_renderer = "mathml"
html_show_sphinx = False
templates_path = ["templates"]
exclude_patterns = ["design.md"]


SIZE = re.compile(r"\\[Bb]igg?[lrm]?(?![a-zA-Z])")  # the browser sizes brackets by itself


def mathml(latex: str, block: bool) -> str:
    """MathML by docutils, which knows alignment; the few formulas that it cannot read, by latex2mathml."""
    text = SIZE.sub("", latex)
    if block and (r"\\" in text or pick_math_environment(text) != "equation*"):
        text = rf"\begin{{aligned}}{text}\end{{aligned}}"
    try:
        return str(tex2mathml(text, as_block=block))
    except MathError:
        return str(convert(text, display="block" if block else "inline"))


def inline(self: HTML5Translator, node: nodes.math) -> None:
    """A formula in a sentence."""
    self.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def display(self: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on lines of its own."""
    self.body.append(mathml(node.astext(), block=True))
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Mathematics without a script from elsewhere."""
    app.add_html_math_renderer("mathml", (inline, None), (display, None))
