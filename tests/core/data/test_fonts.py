"""A font that can draw a letter, also one that was installed since Matplotlib made its list."""

import pytest

from diffusion_core.data.fonts import font_with, has_glyph
from diffusion_core.errors import BadInput


def test_the_bold_font_is_the_first_and_what_no_font_has_is_refused() -> None:
    assert font_with("D").endswith("DejaVuSans-Bold.ttf") and has_glyph(font_with("D"), "D")
    assert not has_glyph(font_with("D"), "\U000f0000") and not has_glyph("/no/font.ttf", "D")
    with pytest.raises(BadInput, match="No installed font can draw the character '\\\\U000f0000'"):
        font_with("\U000f0000")


def test_a_font_installed_after_matplotlib_made_its_list_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is kept from Matplotlib's first use on a computer; a font that came later is not in it."""
    from matplotlib import font_manager

    if not any(has_glyph(file, "扩") for file in font_manager.findSystemFonts()):
        pytest.skip("no font of this computer has 汉字")
    before = [font for font in font_manager.fontManager.ttflist if not has_glyph(font.fname, "扩")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(before))
    font_with.cache_clear()
    assert has_glyph(font_with("扩"), "扩")
    monkeypatch.setattr(font_manager.fontManager, "ttflist", list(before))
    monkeypatch.setattr(font_manager, "findSystemFonts", list)  # none was installed
    font_with.cache_clear()
    with pytest.raises(BadInput, match="No installed font can draw the character '扩'"):
        font_with("扩")
    font_with.cache_clear()
