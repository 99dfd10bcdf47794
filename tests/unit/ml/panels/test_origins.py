import dataclasses

from ml.panels.origins import ORIGIN, Origin, Source, learned, measured, rule_of_layout


def test_fields_remember_their_origin_and_keep_their_value():
    @dataclasses.dataclass(frozen=True)
    class Section:
        one: int = measured(3, "on ten pictures")
        two: float = learned(0.5, "of a strip")
        three: tuple[int, int] = rule_of_layout((1, 2), "set by hand")

    assert Section() == Section(3, 0.5, (1, 2))
    assert [field.metadata[ORIGIN] for field in dataclasses.fields(Section)] == [
        Origin(Source.MEASURED, "on ten pictures"),
        Origin(Source.LEARNED, "of a strip"),
        Origin(Source.RULE_OF_LAYOUT, "set by hand"),
    ]
