"""A critique as text for the terminal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tang.prosody.critique import Critique
from tang.prosody.mending import Mend
from tang.text.characters import GAP_SIGN
from tang.text.marks import LONGEST


def as_text(found: Critique) -> str:
    """The form, a row for each line of the poem, and remarks on rhyme and repetitions::

       句　　　　  平仄　　　  谱　　　　  remarks
    1  床前明月光  平平平仄平  中平中仄平  韵 下平七阳
    """
    # Padded to a line longer than verse, the report of many short ones would grow with their product.
    width = min(LONGEST, max(len(line.text) for line in found.lines))
    heads = ["句", "平仄", *(["谱"] if found.loose else [])]
    rows = ["     " + "  ".join(head.ljust(width, "　") for head in heads) + "  remarks"]
    notes = _notes(found)
    for number, line in enumerate(found.lines, 1):
        columns = [line.text, line.tones, *([found.loose.wanted[number - 1]] if found.loose else [])]
        aligned = "  ".join(column.ljust(width, "　") for column in columns)
        rows.append(f"{number:3}  {aligned}  {'; '.join(notes[number])}".rstrip())
    return "\n".join([*_heading(found), "", *rows, "", *_remarks(found)])


def _heading(found: Critique) -> Iterable[str]:
    shape = f"{found.form or 'no form'} ({found.script} script)"
    if found.form is None:
        usual = Counter(len(line.text) for line in found.lines).most_common(1)[0][0]
        lengths = ", ".join(f"line {number} has {len(found.lines[number - 1].text)}" for number in found.unequal)
        yield f"{shape}: lines of {usual} characters, but {lengths}"
    elif found.strict is None or found.loose is None:
        yield f"{shape}, which is no regulated form"
    else:
        so_far = " as far as it stands" if GAP_SIGN in found.verse else ""
        judged = f"regular{so_far}" if found.is_regular else f"not regular: {', '.join(_reasons(found))}"
        yield f"{shape}, {judged}"
        counts = [len(meter.slips) for meter in (found.loose, found.strict)]
        loose, strict = (f"{count or 'no'} slip{'' if count == 1 else 's'}" for count in counts)
        yield f"nearest pattern {found.loose.pattern}: {loose} by the loose pattern, {strict} by the strict one"


def _reasons(found: Critique) -> Iterable[str]:
    if found.loose and found.loose.slips:
        yield "slips"
    yield from dict.fromkeys(fault for line in found.lines for fault in line.faults if fault != "三仄尾")
    if found.off_rhyme:
        yield "出韵"
    elif found.rhyme and "平" not in found.rhyme[0]:
        yield "rhymes in 仄"
    elif not found.rhyme and any(line.text[-1] != GAP_SIGN for line in found.lines[1::2]):
        yield "no rhyme"


def _notes(found: Critique) -> Mapping[int, list[str]]:
    """Line → the remarks on it: rhyme, slips, faults, breaks."""
    notes: defaultdict[int, list[str]] = defaultdict(list)
    loose, off_rhyme = set(found.loose.slips if found.loose else []), set(found.off_rhyme)
    for number in found.rhyming if found.rhyme or found.loose else []:
        groups = "，".join(found.lines[number - 1].groups)
        notes[number].append(f"{'出韵' if number in off_rhyme else '韵'} {groups or '？'}")
    for slip in found.loose.slips if found.loose else []:
        notes[slip.line].append(f"{slip.character} should be {slip.wanted}")
    if found.strict and found.loose and found.strict.pattern == found.loose.pattern:
        for slip in found.strict.slips:
            if slip not in loose:
                notes[slip.line].append(f"strictly {slip.character} should be {slip.wanted}")
    for number, line in enumerate(found.lines, 1):
        notes[number] += line.faults
    for broken in found.breaks:
        notes[broken.line].append(broken.kind)
    return notes


def _remarks(found: Critique) -> list[str]:
    rhyme = "no group that two of the lines share" if len(found.rhyming) > 1 else ""
    if found.rhyme:
        off_rhyme = {*found.off_rhyme, *(n for n in found.rhyming if found.lines[n - 1].text[-1] == GAP_SIGN)}
        in_rhyme = [n for n in found.rhyming if n not in off_rhyme]
        rhyme = f"line{'s' * (len(in_rhyme) > 1)} {_listed(in_rhyme)} in {'，'.join(found.rhyme)}"
    remarks = {
        "rhyme": rhyme,
        "出韵": f"line {_listed(found.off_rhyme)}" if found.off_rhyme else "",
        "repeated": "; ".join(f"{character} in {_listed(lines)}" for character, lines in found.repeated.items()),
        "reduplicated": "，".join(found.reduplicated),
        "not in the 平水韵": "".join(found.unknown),
        "to mend": "\n         ".join(map(_mending, found.to_mend)),
    }
    return [f"{label}: {remark}" for label, remark in remarks.items() if remark]


def _mending(mend: Mend) -> str:
    such_as = f", such as {'，'.join(mend.suggestions)}" if mend.suggestions else ""
    return f"line {mend.line}, character {mend.place}: {mend.character} → {'，'.join(mend.wanted)}{such_as}"


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
