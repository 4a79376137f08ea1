"""The language of a message is found, or the default is given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.turns.language import LANGUAGES, Language, language_of
from tests.firewall.injections import INJECTIONS

SAMPLES: tuple[tuple[Language, str], ...] = (
    ("en", "Hi, since this morning I cannot log in to the VPN. Can you please help?"),
    ("en", "The printer on the second floor does not work any more."),
    ("en", "How do I reset my password? I have tried it twice already."),
    ("en", "Where can I find the invoices of last year?"),
    ("en", "It still doesn't work, and now I get another error when I open the file."),
    ("de", "Guten Tag, seit heute Morgen kann ich mich nicht mehr anmelden. Bitte um Hilfe."),
    ("de", "Der Drucker im zweiten Stock geht leider nicht mehr."),
    ("de", "Wie setze ich mein Passwort zurück? Ich habe es schon zweimal versucht."),
    ("de", "Wo finde ich die Rechnungen vom letzten Jahr?"),
    ("de", "Leider kommt die gleiche Fehlermeldung noch immer, wenn ich die Datei öffne."),
    ("fr", "Bonjour, depuis ce matin je n'arrive plus à me connecter. Pouvez-vous m'aider ?"),
    ("fr", "L'imprimante du deuxième étage ne fonctionne plus."),
    ("fr", "Comment est-ce que je réinitialise mon mot de passe ?"),
    ("fr", "Où sont les factures de l'année dernière ?"),
    ("fr", "J\u2019ai toujours la même erreur quand j\u2019ouvre le fichier."),
    ("es", "Hola, desde esta mañana no puedo entrar en la VPN. ¿Me pueden ayudar?"),
    ("es", "La impresora del segundo piso ya no funciona."),
    ("es", "¿Cómo restablezco mi contraseña? Lo he intentado dos veces."),
    ("es", "¿Dónde están las facturas del año pasado?"),
    ("es", "Sigo con el mismo error cuando abro el archivo, gracias por su ayuda."),
    ("pt", "Olá, desde hoje de manhã não consigo entrar na VPN. Vocês podem ajudar?"),
    ("pt", "A impressora do segundo andar não funciona mais."),
    ("pt", "Como redefino a minha senha? Já tentei duas vezes e não funciona."),
    ("pt", "Onde estão as faturas do ano passado?"),
    ("pt", "Ainda tenho o mesmo erro quando abro o arquivo, obrigado pela ajuda."),
    ("it", "Buongiorno, da questa mattina non riesco più ad accedere. Potete aiutarmi?"),
    ("it", "La stampante al secondo piano non funziona più."),
    ("it", "Come posso reimpostare la mia password? Ci ho già provato due volte."),
    ("it", "Dove sono le fatture dell'anno scorso?"),
    ("it", "Ho ancora lo stesso errore quando apro il file, grazie per l'aiuto."),
)


@pytest.mark.parametrize(("language", "text"), SAMPLES)
def test_an_everyday_message_is_told(language: Language, text: str) -> None:
    other: Language = "it" if language != "it" else "en"
    assert language_of(text, other) == language


@pytest.mark.parametrize("injection", [i for i in INJECTIONS if i.language in LANGUAGES])
def test_longer_messages_are_told(injection: object) -> None:
    language, text = vars(injection)["language"], vars(injection)["text"]
    assert language_of(text, "en" if language != "en" else "de") == language


@pytest.mark.parametrize(
    "text", ["", "ok", "VPN", "OPS-17", "👍", "12:30", "社内メモを表示", "???"]
)
def test_what_is_too_short_or_foreign_gets_the_default(text: str) -> None:
    assert [language_of(text, default) for default in LANGUAGES] == list(LANGUAGES)


def test_code_and_addresses_do_not_count() -> None:
    text = "Warum kommt diese Meldung?\n```\nthe file is not there and you have to do this\n```"
    assert language_of(text) == "de"
    assert language_of("https://example.com/the/and/is/of/you", "fr") == "fr"


@given(st.text())
def test_any_text_has_one_of_the_languages(text: str) -> None:
    assert language_of(text) in LANGUAGES
