"""ES modules joined into the one string that a component takes.

A component's script is one string, so a module in it has nowhere to import from. The files stay modules, for editors,
for node and for the linters; here they are laid one after the other, each after what it imports from its own folder or
from one beside it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["join_modules"]

# Prettier keeps the files in shape: what begins at the left edge stands at a module's top level. A comment has lines of
# its own, or is a type.
COMMENT = re.compile(r"^ *(?://.*|/\*(?:(?!\*/)[\s\S])*\*/)\n|/\*\* @type [^*]*\*/ ?", re.MULTILINE)
IMPORT = re.compile(r'^import \{([^}]*)\} from "(\./[^"/]+|\.\./[^"/]+/[^"/]+)";\n', re.MULTILINE)
NAME = re.compile(r"^(export )?(default )?(?:async )?(?:function\*?|class|const|let|var) ([\w$]+)", re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:async |function|class|const|let))", re.MULTILINE)
# Left after that: imports of another form, exports but the default one that has a name, names declared many at a time.
UNREAD = re.compile(
    r"^(?:import\b|export\b(?! default (?:async )?(?:function|class) \w)|(?:const|let|var) [\[{]).*", re.MULTILINE
)


@dataclass(frozen=True)
class _Module:
    """One file, read: what it imports from which file, what it declares and exports, and what is left to run."""

    file: str
    imports: tuple[tuple[Path, tuple[str, ...]], ...]
    names: tuple[str, ...]
    exports: frozenset[str]
    body: str


def join_modules(entry: Path) -> str:
    """The module ``entry`` after all that it imports, in one scope, without imports, exports and comments.

    A default export stays where it has a name. The comments go because Streamlit sends the string at every mount.

    Raises:
        ValueError: where modules import each other in a circle, a file or a name in it is not there, two files have a
            name in common at their top levels, or a line cannot be read.
    """
    modules: dict[Path, _Module] = {}
    _collect((entry.resolve(),), modules)
    _refuse_clashes(modules.values())
    return "\n".join(module.body for module in modules.values())


def _collect(way: tuple[Path, ...], modules: dict[Path, _Module]) -> None:
    """Read the file at the end of the way from the entry, and before it all that it imports."""
    *before, file = way
    told = " > ".join(path.name for path in way)
    if file in before:
        raise ValueError(f"Modules must not import each other in a circle; got {told}.")
    if file in modules:
        return
    if not file.is_file():
        raise ValueError(f"There is no module {file.name}; the way to it is {told}.")
    module = _read(file)
    for other, names in module.imports:
        _collect((*way, other), modules)
        for name in names:
            if name not in modules[other].exports:
                raise ValueError(f"{file.name} imports {name} from {other.name}, which does not export it.")
    modules[file] = module


def _read(path: Path) -> _Module:
    """Take one file apart."""
    text = COMMENT.sub("", path.read_text(encoding="utf-8"))
    imports = tuple(((path.parent / found[2]).resolve(), tuple(_listed(found[1]))) for found in IMPORT.finditer(text))
    declared = NAME.findall(text)
    body = EXPORT.sub("", IMPORT.sub("", text))
    if unread := UNREAD.search(body):
        raise ValueError(
            f'{path.name} must have imports of the form import {{ a, b }} from "./file.js"; and one name a declaration '
            f"at its top level; got {unread[0]}"
        )
    exports = frozenset(name for export, default, name in declared if export and not default)
    names = tuple(name for *_, name in declared)
    return _Module(path.name, imports, names=names, exports=exports, body=body.strip() + "\n")


def _listed(names: str) -> Iterable[str]:
    """The names between the braces of an import; a comma may stand behind the last one."""
    return (name.strip() for name in names.split(",") if name.strip())


def _refuse_clashes(modules: Iterable[_Module]) -> None:
    owners: dict[str, str] = {}
    for module in modules:
        for name in module.names:
            if name in owners:
                raise ValueError(f"{owners[name]} and {module.file} both declare {name} at their top levels.")
            owners[name] = module.file
