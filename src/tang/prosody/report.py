"""A critique as text for the terminal."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tang.prosody.critique import Critique, Meter


def as_text(found: Critique) -> str:
    """The form, a row for each line of the poem, and remarks on rhyme and repetitions::

    1  床前明月光  平平平仄平  中平中仄平  韵 下平七阳
    """
    return "\n".join([*_heading(found), "", *_rows(found), "", *_remarks(found)])


def _heading(found: Critique) -> list[str]:
    if found.form is None:
        usual = Counter(len(line.text) for line in found.lines).most_common(1)[0][0]
        lengths = ", ".join(f"line {number} has {len(found.lines[number - 1].text)}" for number in found.unequal)
        return [f"no form ({found.script} script): lines of {usual} characters, but {lengths}"]
    if found.strict is None or found.loose is None:
        return [f"{found.form} ({found.script} script), which is no regulated form"]
    loose, strict = (_slips(meter) for meter in (found.loose, found.strict))
    verdict = "regular" if found.is_regular else f"not regular: {', '.join(_reasons(found))}"
    return [
        f"{found.form} ({found.script} script), {verdict}",
        f"nearest pattern {found.loose.pattern}: {loose} by the loose pattern, {strict} by the strict one",
    ]


def _reasons(found: Critique) -> Iterable[str]:
    if found.loose and found.loose.slips:
        yield "slips"
    yield from dict.fromkeys(fault for line in found.lines for fault in line.faults if fault != "三仄尾")
    if not found.rhyme or found.off_rhyme:
        yield "出韵" if found.rhyme else "no rhyme"
    elif "平" not in found.rhyme[0]:
        yield "rhymes in 仄"


def _rows(found: Critique) -> list[str]:
    width = max(len(line.text) for line in found.lines)
    rows = []
    for number, line in enumerate(found.lines, 1):
        columns = [line.text, line.tones, *([found.loose.wanted[number - 1]] if found.loose else [])]
        aligned = "  ".join(column.ljust(width, "　") for column in columns)
        rows.append(f"{number:3}  {aligned}  {'; '.join(_notes(found, number))}".rstrip())
    return rows


def _notes(found: Critique, number: int) -> Iterable[str]:
    line = found.lines[number - 1]
    if number in found.rhyming and (found.rhyme or found.loose):
        yield f"{'出韵' if number in found.off_rhyme else '韵'} {'，'.join(line.groups) or '？'}"
    loose = [slip for slip in found.loose.slips if slip.line == number] if found.loose else []
    for slip in loose:
        yield f"{slip.character} should be {slip.wanted}"
    if found.strict and found.loose and found.strict.pattern == found.loose.pattern:
        for slip in found.strict.slips:
            if slip.line == number and slip not in loose:
                yield f"strictly {slip.character} should be {slip.wanted}"
    yield from line.faults
    yield from (broken.kind for broken in found.breaks if broken.line == number)


def _remarks(found: Critique) -> list[str]:
    rhyme = ""
    if found.rhyme:
        rhyme = f"lines {_listed(found.rhyming)} in {'，'.join(found.rhyme)}"
    elif len(found.rhyming) > 1:
        rhyme = "no group that two of the lines share"
    remarks = {
        "rhyme": rhyme,
        "出韵": f"line {_listed(found.off_rhyme)}" if found.off_rhyme else "",
        "repeated": "; ".join(f"{character} in {_listed(lines)}" for character, lines in found.repeated.items()),
        "reduplicated": "，".join(found.reduplicated),
        "not in the 平水韵": "".join(found.unknown),
    }
    return [f"{label}: {remark}" for label, remark in remarks.items() if remark]


def _slips(meter: Meter) -> str:
    return f"{len(meter.slips) or 'no'} slip{'' if len(meter.slips) == 1 else 's'}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
