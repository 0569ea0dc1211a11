"""Modules are joined in the order of their imports, and what cannot be joined is refused when the app starts."""

from pathlib import Path

import pytest

from diffusion_core.files import ASSETS
from pages.shared.timeline.modules import join_modules

TIMELINE = ASSETS / "timeline"

FIRST = """// About the file.
import { double } from "./second.js";
import {
  half,
  HALF_OF_ALL,
} from "./third.js";

/** Doubles, then halves. */
export default function mount(/** @type {number} */ x) {
  // as promised
  return half(double(x)) + HALF_OF_ALL - HALF_OF_ALL; // nothing is lost
}
"""
SECOND = 'import { half } from "./third.js";\n\nexport function double(x) {\n  return x / half(1 / 2) / 2;\n}\n'
THIRD = 'export const HALF_OF_ALL = "export half";\n/*\n * Half.\n */\nexport function half(x) {\n  return x / 2;\n}\n'


def write(folder: Path, **files: str) -> Path:
    """Write modules; returns the path of the first one."""
    for name, text in files.items():
        (folder / f"{name}.js").write_text(text, encoding="utf-8")
    return folder / f"{next(iter(files))}.js"


def test_each_module_stands_after_what_it_imports(tmp_path: Path) -> None:
    assert join_modules(write(tmp_path, first=FIRST, second=SECOND, third=THIRD)) == (
        'const HALF_OF_ALL = "export half";\nfunction half(x) {\n  return x / 2;\n}\n'
        "\nfunction double(x) {\n  return x / half(1 / 2) / 2;\n}\n"
        "\nexport default function mount(x) {\n"
        "  return half(double(x)) + HALF_OF_ALL - HALF_OF_ALL; // nothing is lost\n}\n"
    )


def test_a_module_of_the_folder_beside_is_laid_in_once(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    write(tmp_path / "other", second=SECOND, third=THIRD)
    first = FIRST.replace('"./', '"../other/')
    joined = join_modules(write(tmp_path / "one", first=first))
    assert joined.count("function half") == joined.count("function double") == 1
    with pytest.raises(ValueError, match=r"There is no module third.js; the way to it is first.js > third.js"):
        join_modules(write(tmp_path / "one", first=first.replace("../other/third", "./third")))


def test_a_file_that_nobody_imports_stays_out(tmp_path: Path) -> None:
    assert "half" not in join_modules(write(tmp_path, alone="export const one = 1;\n", third=THIRD))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (
            {"second": SECOND, "third": 'import { double } from "./second.js";\n' + THIRD},
            "Modules must not import each other in a circle; got first.js > second.js > third.js > second.js.",
        ),
        (
            {"second": SECOND.replace("third", "fourth")},
            "There is no module fourth.js; the way to it is first.js > second.js > fourth.js.",
        ),
        ({"third": THIRD.replace("export function", "function")}, "second.js imports half from third.js, which does"),
        ({"second": SECOND + "const HALF_OF_ALL = 1;\n"}, "third.js and second.js both declare HALF_OF_ALL at their"),
        ({"second": SECOND + "class mount {}\n"}, "second.js and first.js both declare mount at their top levels."),
        ({"second": SECOND.replace("{ half }", "* as third")}, 'got import * as third from "./third.js";'),
        ({"second": SECOND.replace("{ half }", "{ half as third }")}, "second.js imports half as third from third.js"),
        ({"second": SECOND.replace("./third.js", "third")}, 'got import { half } from "third";'),
        ({"third": THIRD + "export { half as other };\n"}, "got export { half as other };"),
        ({"third": THIRD + "export default (x) => x;\n"}, "got export default (x) => x;"),
        ({"third": THIRD + "export const [one, two] = [1, 2];\n"}, "got const [one, two] = [1, 2];"),
    ],
)
def test_what_cannot_be_joined_is_one_sentence(tmp_path: Path, files: dict[str, str], sentence: str) -> None:
    entry = write(tmp_path, **{"first": FIRST, "second": SECOND, "third": THIRD, **files})
    with pytest.raises(ValueError) as caught:
        join_modules(entry)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_timeline_is_all_of_its_modules() -> None:
    picture, ear = (join_modules(TIMELINE / entry) for entry in ("timeline.js", "ear.js"))
    for script, takes in ((picture, "{ parentElement, data }"), (ear, "{ data, setStateValue }")):
        assert [line for line in script.splitlines() if line.startswith(("import", "export"))] == [
            f"export default function mount({takes}) {{"
        ]
    joined = picture + ear
    assert "/**" not in joined
    for file in TIMELINE.glob("*.js"):
        text = file.read_text(encoding="utf-8")
        declared = [line for line in text.splitlines() if line.startswith(("export function", "export class"))]
        assert all(line.split("(")[0].removeprefix("export ") in joined for line in declared), f"{file.name} is missing"
