"""The Chinese of the pages: set as a Chinese book is, and one word for one thing."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pages.messages import catalogue

PAGES = Path(__file__).parents[2] / "pages"
HAN = r"[\u3400-\u9fff]"

# What is no running text: mathematics, code, addresses, the marks of parts. A letter stands for each.
ELSE = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$|`[^`]*`|<!--.*?-->|https?://\S+|\{[^{}]*\}", re.DOTALL)
LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")

# One word for one thing, and what else it was or might be called.
WORDS = {
    "噪声调度": ["方差表", "噪声表", "调度表", "噪声日程", "噪声计划", "噪声安排"],
    "步长": ["步幅", "跨步", "步距"],
    "变分下界": ["变分界", "变分下限", "证据下界", "变分上界"],
    "论断": ["断言", "主张的说法"],
    "下采样": ["降采样", "下取样", "缩采样"],
    "上采样": ["升采样", "上取样", "增采样"],
    "自注意力": ["自我注意", "自注意机制"],
    "交叉注意力": ["互注意力", "交互注意力", "跨注意力"],
    "得分": ["分数函数", "评分函数"],
    "零终端信噪比": ["终端信噪比为零", "末端信噪比为零", "零末端"],
    "样本方差偏大": ["过宽 43%"],
    "两份证据": ["两个证人"],
    "论断总表": ["检验一切", "全部检验"],
    "信号与噪声的占比": ["还剩多少"],
    "由浏览器实时重算": ["由浏览器当场重算"],
    "采样时保存的": ["保存的值"],
    "仅供观察，不作依据": ["不能当真"],
    "重排到通道": ["塞进通道"],
    "两种无偏的估计法": ["正当的做法"],
    "只差舍入误差": ["误差只有舍入"],
    "对原文的补充与订正": ["文章没有说的"],
    "第一幅": ["左图", "中图", "右图"],  # on a phone they stand one below the other
    "耗时（毫秒/步·图）": ["每步每图毫秒"],
}


def chinese() -> Iterator[tuple[str, str]]:
    """Every Chinese text of the pages, with where it stands."""
    for message in catalogue("zh"):
        if message.id:
            yield f"messages.po: {message.id!r:.60}", str(message.string)
    for path in sorted(PAGES.rglob("zh.md")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(PAGES)}:{number}", line


def english() -> Iterator[tuple[str, str]]:
    for message in catalogue("zh"):
        if message.id:
            yield f"messages.po: {message.id!r:.60}", str(message.id)
    for path in sorted(PAGES.rglob("en.md")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            yield f"{path.relative_to(PAGES)}:{number}", line


def no_zero_before_the_point(text: str) -> Iterator[str]:
    """0.82, not .82; in mathematics, too."""
    yield from re.findall(r"(?<![\w.)])\.\d+.{0,10}", re.sub(r"\{[^{}]*\}", "M", text))


def half_width(text: str) -> Iterator[str]:
    """A mark of the Latin script that touches a 汉字."""
    running = LINK.sub(r"\1", ELSE.sub("M", text))
    running = re.sub(r":[\w-]+\[", "[", running)  # colours and badges
    yield from re.findall(rf".{{0,8}}{HAN}\**[,;:!?(](?![\w/]*\]).{{0,8}}", running)
    yield from re.findall(rf".{{0,8}}[,;:!?)]\**{HAN}.{{0,8}}", running)
    yield from re.findall(rf".{{0,8}}{HAN}\**\.(?:\s|$)", running)


def slanted(text: str) -> Iterator[str]:
    """汉字 between single stars, in a slanted tag, or as letters of a formula."""
    yield from (
        found for found in re.findall(r"(?<!\*)\*(?!\*)([^*\n]+)(?<!\*)\*(?!\*)", text) if re.search(HAN, found)
    )
    yield from re.findall(rf"<(?:i|em)>[^<]*{HAN}[^<]*<", text)
    for formula in re.findall(r"\$([^$\n]+)\$", text):
        if re.search(HAN, re.sub(r"\\(?:text|mathrm|mbox)\{[^}]*\}", "", formula)):
            yield formula


def other_words(text: str) -> Iterator[str]:
    """A second name; 方差表 may explain the first one."""
    text = text.replace("噪声调度（方差表", "噪声调度")
    for word, others in WORDS.items():
        yield from (f"{other}: {word}" for other in others if other in text)


def badly_broken(text: str) -> Iterator[str]:
    """A space before a full-width mark, which lets a line begin with it."""
    yield from re.findall(r".{0,8} [，。；：！？、）].{0,8}", text)


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (no_zero_before_the_point, "占 0.82，$a = 0.5$，1.5.2，arXiv:2305.08891，`.npz`，(a).5", "占 .82"),
        (half_width, "均值（$z$ 检验）：见 [这里](a,b)，用 `f(x, 中)`，p(x), q", "均值(检验)"),
        (half_width, "读者；10:30；:red[红]", "均值:检验"),
        (slanted, "**后验**与 *trailing*，$p_{\\text{数据}}$", "它是*后验*"),
        (slanted, "$p_\\mathrm{数据}$", "$p_{数据}$"),
        (other_words, "零终端信噪比的噪声调度", "方差表"),
        (badly_broken, "它 $x$，也", "它 $x$ ，也"),
    ],
)
def test_chinese_is_set_as_in_a_book(rule: Callable[[str], Iterator[str]], good: str, bad: str) -> None:
    assert not list(rule(good))
    assert list(rule(bad))
    assert [f"{where}: {found}" for where, text in chinese() for found in rule(text)] == []


def test_english_has_a_zero_before_the_point_too() -> None:
    assert [f"{where}: {found}" for where, text in english() for found in no_zero_before_the_point(text)] == []
