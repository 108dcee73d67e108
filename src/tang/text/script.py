"""Simplified and traditional script, and the punctuation marks of verse."""

from functools import cache
from itertools import islice
from typing import Literal

import opencc

Script = Literal["simplified", "traditional"]
SCRIPTS: tuple[Script, Script] = ("simplified", "traditional")
MARKS = str.maketrans({",": "，", ".": "。", "．": "。", "?": "？", "!": "！", ";": "；", ":": "，", "：": "，"})

# Old variants that OpenCC leaves as they are, and the usual characters of simplified script.
_VARIANTS = str.maketrans(
    "疎劒鴈猨慙簷鬬徧嬾蘂堦覩臯廻翦飜秪煖暎歛桮隣妬檝顇荅巵罇顦羇逈鏁鵶僊隄緜壻栢棃粧鸎帬筯碁秖牕趂彊邨懽虵飡椀蔕輭汚"
    "衞欵拏穉犂怱嵒輙畧胷筭蕚罏磵旛盌勅窓恡噉瓌襃菓睠蠭嗁謌窻碪悤皐覊甎刼顋躭塼驩駈韤韈詶敍餙踈覔墖阯蜨矟橤齅鞵麞醼醻"
    "煑徃瑇擕寘寃鬭頟慽恠囓闚酧躶賷衹蕋磎皷嬝刦鼃髩騐餻湌欝朞葢篴眎鎻囘冐鬪鬂靁豓觧蠧萠甞珎玅桒昬愽咲劔凴",
    "疏剑雁猿惭檐斗遍懒蕊阶睹皋回剪翻只暖映敛杯邻妒楫悴答卮樽憔羁迥锁鸦仙堤绵婿柏梨妆莺裙箸棋只窗趁强村欢蛇餐碗蒂软污"
    "卫款拿稚犁匆岩辄略胸算萼垆涧幡碗敕窗吝啖瑰褒果眷蜂啼歌窗砧匆皋羁砖劫腮耽砖欢驱袜袜酬叙饰疏觅塔址蝶槊蕊嗅鞋獐宴酬"
    "煮往玳携置冤斗额戚怪啮窥酬裸赍只蕊溪鼓袅劫蛙鬓验糕餐郁期盖笛视锁回冒斗鬓雷艳解蠹萌尝珍妙桑昏博笑剑凭",
)

_converter = cache(opencc.OpenCC)


def convert(texts: list[str], script: Script) -> list[str]:
    """``texts`` in ``script``, by phrases (乾坤 stays 乾坤), each as long as before."""
    converter = _converter({"simplified": "t2s", "traditional": "s2t"}[script])
    lines = iter(converter.convert("\n".join(texts)).split("\n"))
    converted = ("\n".join(islice(lines, text.count("\n") + 1)) for text in texts)
    # A phrase table may change a length; characters one by one never do.
    return [
        after if len(after) == len(before) else "".join(map(converter.convert, before))
        for before, after in zip(texts, converted, strict=True)
    ]


def usual(text: str, keep: str = "") -> str:
    """A text in simplified script with usual characters for old variants, 檐 for 簷, but for those of ``keep``."""
    return text.translate({code: plain for code, plain in _VARIANTS.items() if chr(code) not in keep})
