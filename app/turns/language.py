"""The language of a message, told by its most usual words and its accents. Pure.

Good enough to pick the words of a notice; the model finds the language of its answer itself.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

Language = Literal["en", "es", "de", "fr", "pt", "it"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

READ = 4_000
MIN_SCORE = 3
MIN_LEAD = 2
UNIQUE = 2

_TEXTS: dict[Language, str] = {
    "en": """the and is are was were be been have has had do does did not no you your i my we our it
        this that these those what which who how when where why can could would should will to of
        in on at for from with by about there here they them please hello hi thanks thank but if
        or an as me get after before because any some still work works working need help issue
        error cannot don't can't isn't doesn't it's i'm since into just""",
    "de": """der die das und ist sind war waren sein haben hat hatte nicht kein keine ich du er sie
        es wir ihr mein meine unser unsere dein ihre ein eine einen einem einer eines den dem des
        zu zum zur von vom mit auf für bei aus nach über unter wie was wer wo wann warum kann
        können könnte soll muss wird werden wurde bitte danke hallo guten tag aber wenn oder auch
        noch schon nur immer mehr seit leider geht funktioniert mich mir uns sich dass im in am an
        hilfe fehler meldung anmelden""",
    "fr": """le la les l un une des du de et est sont était être avoir a ont ai je tu il elle nous
        vous ils elles mon ma mes notre nos votre vos ce cet cette ces qui que quoi quel quelle où
        quand comment pourquoi peut pouvez peux pas ne plus dans sur pour par avec sans chez au
        aux en se me mais ou si bonjour merci svp plaît aide erreur depuis fait faire c'est n'est
        j'ai qu'il d'une très toujours fonctionne impossible connecter""",
    "es": """el la los las un una unos unas y es son era ser estar está están he ha han hay yo tú él
        ella nosotros mi mis nuestro nuestra su sus tu este esta esto estos que qué quién cómo
        cuándo dónde por para con sin del de al en no se me lo le pero si o porque muy más ya
        puedo puede pueden hola gracias favor ayuda error desde hacer tengo tiene funciona cuando
        como buenos buenas días""",
    "pt": """o a os as um uma uns umas e é são era ser estar está estão eu você vocês ele ela nós
        meu minha nosso nossa seu sua este esta isto isso que quem como quando onde por para com
        sem do da dos das de no na nos nas ao em não se me mas ou porque muito mais já posso pode
        podem olá oi obrigado obrigada favor ajuda erro desde fazer tenho tem funciona consigo
        bom dia boa tarde pelo pela também""",
    "it": """il lo la i gli le un uno una e è sono era essere avere ho ha hanno abbiamo io tu lui
        lei noi voi mio mia nostro nostra suo sua questo questa questi che chi cosa come quando dove
        perché per con senza del della dei delle di da dal dalla al alla nel nella in su non si mi
        ma o se molto più già posso può possono ciao buongiorno grazie favore aiuto errore fare
        funziona anche ci riesco c'è salve""",
}
_WORDS = {language: frozenset(text.split()) for language, text in _TEXTS.items()}
# Signs shared by two languages stand with both.
_SIGNS: dict[Language, str] = {
    "de": "äöüß",
    "es": "ñ¿¡",
    "fr": "œûîçêèù",
    "pt": "ãõçê",
    "it": "ìòèù",
}
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)


def language_of(text: str, default: Language = "en") -> Language:
    """The language most of the text's words belong to.

    Args:
        text: a message; code and addresses in it do not count.
        default: given back where the text is short or belongs to several alike.
    """
    words = _WORD.findall(_CODE.sub(" ", text[:READ]).lower().replace("\u2019", "'"))
    spoken = [part for word in words for part in {word, *word.split("'")}]
    scores = {language: _score(language, spoken) for language in LANGUAGES}
    for language, signs in _SIGNS.items():
        scores[language] += UNIQUE * min(3, sum(text[:READ].lower().count(sign) for sign in signs))
    ranked = sorted(LANGUAGES, key=lambda language: -scores[language])
    best, second = ranked[0], ranked[1]
    clear = scores[best] >= MIN_SCORE and scores[best] - scores[second] >= MIN_LEAD
    return best if clear else default


def _score(language: Language, words: list[str]) -> int:
    """A word that belongs to this language alone counts double."""
    own = _WORDS[language]
    return sum(UNIQUE if _ONLY[word] else 1 for word in words if word in own)


_ONLY: dict[str, bool] = {
    word: sum(word in words for words in _WORDS.values()) == 1
    for own in _WORDS.values()
    for word in own
}
