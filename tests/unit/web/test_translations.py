"""Every sentence that a person may read exists in Russian, compiled and complete."""

import ast
import gettext
import string
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.utils import translation
from django.utils.translation.template import templatize

from kernel.messages import known_codes, sentence

PLATFORM = Path(__file__).resolve().parents[3] / "platform"
FOLDER = Path(settings.LOCALE_PATHS[0]) / "ru" / "LC_MESSAGES"
MARKERS = {"_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}


@pytest.fixture(scope="module")
def catalogue() -> polib.POFile:
    return polib.pofile(str(FOLDER / "django.po"))


def test_nothing_is_untranslated_fuzzy_or_obsolete(catalogue):
    wanting = [entry.msgid for entry in catalogue if not entry.translated() or entry.fuzzy]

    assert wanting == []
    assert [entry.msgid for entry in catalogue.obsolete_entries()] == []


def test_compiled_catalogue_is_this_one(catalogue, tmp_path):
    compiled = tmp_path / "django.mo"
    catalogue.save_as_mofile(str(compiled))

    with compiled.open("rb") as expected, (FOLDER / "django.mo").open("rb") as found:
        assert messages_of(found) == messages_of(expected)


def messages_of(file) -> dict:
    return gettext.GNUTranslations(file)._catalog


def test_catalogue_holds_every_string_of_the_code(catalogue):
    known = {entry.msgid for entry in catalogue}

    missing = {text for path in sources() for text in strings_of(path)} - known

    assert missing == set()


def sources() -> Iterator[Path]:
    for path in sorted(PLATFORM.rglob("*")):
        if path.suffix == ".py" or (path.suffix == ".html" and "templates" in path.parts):
            yield path


def strings_of(path: Path) -> Iterator[str]:
    """Yield the first argument of every call that marks a string for translation."""
    source = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        # Django turns a template into such calls, one after the other, between blanked-out text.
        pieces = templatize(source).replace(" gettext(", "\ngettext(").split("gettext(u")[1:]
        for piece in pieces:
            yield first_string(piece)
        return
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    for call in calls:
        if getattr(call.func, "id", "") in MARKERS and isinstance(call.args[0], ast.Constant):
            yield call.args[0].value


def first_string(piece: str) -> str:
    """Return the Python string that `piece` begins with."""
    for end in range(2, len(piece) + 1):
        try:
            return ast.literal_eval(piece[:end])
        except SyntaxError:
            continue
    raise AssertionError(piece)


def test_every_error_has_a_russian_sentence_with_the_same_values(catalogue):
    for entry in catalogue:
        forms = entry.msgstr_plural.values() if entry.msgid_plural else [entry.msgstr]
        for translated in forms:
            assert values_in(translated) == values_in(entry.msgid), entry.msgid
    with translation.override("ru"):
        said = {code: sentence(code) for code in known_codes()}
    with translation.override("en"):
        assert [code for code in said if said[code] == sentence(code)] == []


def values_in(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}
    except ValueError:  # no format string
        return set()


@pytest.mark.parametrize(
    ("language", "heading"),
    [("en", "Find pictures that show the same thing"), ("ru", "Найдите похожие изображения")],
)
@pytest.mark.django_db
def test_page_speaks_the_language_of_the_browser(client, language, heading):
    response = client.get("/", headers={"accept-language": language})

    assert f'<html lang="{language}">' in response.content.decode()
    assert heading in response.content.decode()


@pytest.mark.django_db
def test_chosen_language_stays(client):
    client.post(
        "/i18n/setlang/", {"language": "ru", "next": "/"}, headers={"accept-language": "en"}
    )

    text = client.get("/", headers={"accept-language": "en"}).content.decode()

    assert "Найдите похожие изображения" in text
    assert 'aria-current="true">Русский' in text
