"""Titles and poets that stand above verse without marks."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from tang.text.forms import hanzi
from tang.text.line import Line
from tang.text.marks import FEW
from tang.text.script import convert

_MANY = 5  # Number of blocks from which what most have in common is no accident
_TUNE = re.compile(  # The commonest of the songs, which name four in five of them; with the title after it
    "(?:"
    "浣溪沙|水调歌头|鹧鸪天|菩萨蛮|满江红|西江月|临江仙|念奴娇|减字木兰花|沁园春|蝶恋花|点绛唇|贺新郎|清平乐|"
    "满庭芳|虞美人|好事近|水龙吟|朝中措|渔家傲|卜算子|谒金门|玉楼春|南乡子|踏莎行|南歌子|柳梢青|蓦山溪|望江南|"
    "忆江南|生查子|鹊桥仙|浪淘沙|如梦令|木兰花|木兰花慢|洞仙歌|诉衷情|阮郎归|青玉案|醉落魄|摸鱼儿|瑞鹤仙|江城子|"
    "江神子|感皇恩|小重山|八声甘州|采桑子|长相思|醉蓬莱|酹江月|霜天晓角|喜迁莺|忆秦娥|齐天乐|眼儿媚|定风波|"
    "少年游|汉宫春|永遇乐|千秋岁|声声慢|祝英台近|风入松|瑞鹧鸪|行香子|渔歌子|渔父|更漏子|丑奴儿|乌夜啼|"
    "桃源忆故人|南柯子|凤栖梧|一剪梅|风流子|烛影摇红|武陵春|最高楼|夜行船|杏花天|调笑令|一落索|秦楼月|望海潮|"
    "醉桃源|画堂春|醉花阴|兰陵王|恋绣衾|思佳客|花心动|昭君怨|壶中天|雨中花|忆王孙|金缕曲|苏幕遮|御街行|天仙子|"
    "桂枝香|惜奴娇|燕归梁|六州歌头|高阳台|解连环|夜游宫|捣练子|玉蝴蝶|雨霖铃|相见欢|破阵子|唐多令|扬州慢|暗香|"
    "疏影|钗头凤|河传|酒泉子|女冠子|应天长|荷叶杯|何满子|太常引|人月圆|天净沙"
    r")(?:[·・•\s（(].*|其[一二三四五六七八九十]+)?"
)

_LONGEST_NAME = 6  # Characters of a poet's name, and of the dynasty with it

Blocks = Mapping[int, Sequence[Line]]  # Lines between blank lines, by the number of the block


def headings(blocks: Sequence[Sequence[Line]]) -> list[int]:
    """How many lines at the start of each block are a title and a poet.

    They are blocks by themselves; or the first lines of all blocks, if most of these name a tune, stand again in other
    blocks, are shorter than all lines below, or a poet's name stands below them.
    """
    apart = _apart(blocks)
    sizes = [len(block) if n in apart else 0 for n, block in enumerate(blocks)]
    if len(apart) > FEW * len(blocks):
        return sizes
    starts = {n: block for n, block in enumerate(blocks) if len(block) > 2}
    firsts = dict(zip(starts, convert([block[0].text for block in starts.values()], "simplified"), strict=True))
    times = Counter(firsts.values())
    tunes = {n for n, first in firsts.items() if _TUNE.fullmatch(first)}
    named = sum(n in tunes or times[first] > 1 for n, first in firsts.items())
    with_poets = _with_poets(starts)
    shorter = sum(all(_size(block[0]) < _size(line) for line in block[1:]) for block in starts.values())
    is_rule = len(starts) >= _MANY and (with_poets or 2 * named > len(starts) or shorter > 0.6 * len(starts))
    for n in starts if is_rule else tunes:
        sizes[n] = 1 + (n in with_poets)
    return sizes


def _apart(blocks: Sequence[Sequence[Line]]) -> set[int]:
    """The blocks of a line, or of two with a poet's name below, if larger ones follow most of them."""
    second = _second_lines(blocks)
    short = [n for n, block in enumerate(blocks) if len(block) == 1 or (len(block) == 2 and second[block[1].text] > 1)]
    apart = {n for n in short if any(len(after) > len(blocks[n]) for after in blocks[n + 1 : n + 3])}
    return apart if len(apart) > 0.8 * len(short) else set()


def _with_poets(blocks: Blocks) -> set[int]:
    """The blocks whose second line is a name, if most are: it stands again in others, or all are as short as names."""
    second = _second_lines(blocks.values())
    found = {n for n, block in blocks.items() if second[block[1].text] > 1}
    short = [size for block in blocks.values() if (size := _size(block[1])) <= 4]
    are_varied = max(Counter(short).values(), default=0) < 0.95 * len(short)
    below = sum(_size(block[2]) <= 4 for block in blocks.values())
    if len(short) > 0.9 * len(blocks) and are_varied and below < 0.7 * len(blocks):
        return set(blocks)
    return found if len(blocks) >= _MANY and 2 * len(found) > len(blocks) else set()


def _second_lines(blocks: Iterable[Sequence[Line]]) -> Counter[str]:
    """How often lines that may be names stand second in blocks."""
    return Counter(block[1].text for block in blocks if len(block) > 1 and _size(block[1]) <= _LONGEST_NAME)


def _size(line: Line) -> int:
    return len(hanzi(line.text))
