from tang.text.tally import Tally


def test_counts_and_the_first_examples_of_each_kind() -> None:
    tally = Tally()
    for number in range(5):
        tally.add("notes", f"{number} 一作东风\n又作西风万里")
    tally.add("gaps", "□")
    other = Tally()
    other.add("gaps", "○", 7)
    other.update(tally)
    assert other.total() == 13
    examples = ", ".join(f"{number} 一作东风 又作…" for number in range(3))
    assert list(other.rows()) == [("gaps", "8: ○, □, …"), ("notes", f"5: {examples}, …")]
