"""Automatic mail replies, as they look when mail becomes a comment. Pure.

Answering one starts a loop between two machines. Only the first lines count: a person who
quotes such a mail, or asks about one, is still answered.
"""

from __future__ import annotations

import re

READ_LINES = 12
READ = 4_000

# RFC 3834, and what mail programs write beside it.
_HEADER = re.compile(
    r"(?:auto-submitted:\s*auto-(?:replied|generated|notified)\s*(?:;.*)?$"
    r"|x-auto-?(?:reply|respond)(?:-from|er)?:\s*(?!no\b|false\b)\S+\s*$"
    r"|x-auto-response-suppress:\s*(?:(?:all|oof|autoreply|dr|ndr|rn|nrn)[,;\s]*)+$"
    r"|precedence:\s*(?:bulk|auto[_-]reply|junk)\s*$"
    r"|return-path:\s*<>\s*$)",
    re.IGNORECASE,
)
_ANY_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9\-]{1,40}:(?:\s|$)")

# A subject that begins so and goes on with a colon or a dash names the original mail.
_PREFIXES = (
    "automatic reply", "auto reply", "auto-reply", "autoreply", "automated reply", "auto response",
    "auto-response", "automatic response", "auto",
    "automatische antwort", "automatische antwoord", "automatisch antwoord", "autoantwort",
    "respuesta automática", "respuesta automatica", "réponse automatique", "reponse automatique",
    "risposta automatica", "resposta automática", "resposta automatica", "autosvar",
    "automaattinen vastaus", "odpowiedź automatyczna", "自動応答", "自动答复",
    "undeliverable", "unzustellbar", "no se puede entregar",
    "non remis", "non distribuable", "non recapitabile", "não é possível entregar",
    "mail delivery failed",
    "delivery status notification", "undelivered mail returned to sender",
)  # fmt: skip
# A subject that begins so may also be all there is, or name dates or a person.
_ABSENCES = (
    "out of office", "out of the office", "out-of-office",
    "abwesenheitsnotiz", "abwesenheitsbenachrichtigung", "nicht im büro",
    "fuera de la oficina", "fuera de oficina", "ausente de la oficina",
    "absence du bureau", "absent du bureau", "message d'absence",
    "fuori sede", "fuori ufficio", "assente dall'ufficio",
    "fora do escritório", "fora do escritorio", "ausência do escritório", "ausência temporária",
    "autoreply", "auto-reply", "automatic reply", "automatische antwort", "autosvar",
    "respuesta automática", "réponse automatique", "risposta automatica", "resposta automática",
    "mail delivery failed", "mail delivery failure", "mail delivery subsystem", "failure notice",
    "delivery status notification", "undelivered mail returned to sender",
    "undeliverable mail", "returned mail", "mail system error",
)  # fmt: skip
_REST_OF_SUBJECT = r"\s*(?:$|[.!]\s*$|\((?:failure|delay|success|fehler)\)|(?:notice|reply)\s*$)"
_LABEL = re.compile(r"(?:subject|betreff|asunto|objet|assunto|oggetto)\s*:\s*", re.IGNORECASE)
_PREFIX = re.compile(
    rf"(?:{'|'.join(re.escape(word) for word in _PREFIXES)})"
    r"\s*(?:\((?:failure|delay)\)\s*)?[:\uff1a]",
    re.IGNORECASE,
)
_ALONE = re.compile(
    rf"(?:{'|'.join(re.escape(word) for word in _ABSENCES)})"
    rf"(?:{_REST_OF_SUBJECT}|\s*[:\-\u2013\u2014]\s+\S)",
    re.IGNORECASE,
)
_MAILER = re.compile(
    r"(?:this is the mail system at host\b"
    r"|this is an automatically generated delivery status notification\b"
    r"|this is an automatic(?:ally generated)? (?:reply|response|message) from\b"
    r"|from:\s*.*(?:mailer-daemon|postmaster)@)",
    re.IGNORECASE,
)


def automatic_mail(subject_and_text: str) -> bool:
    """Whether a comment is an automatic mail reply or a bounce.

    Args:
        subject_and_text: the comment's text; in a new issue its summary, a line end, and its
            description.
    """
    lines = [line.strip().strip("*_") for line in subject_and_text[:READ].splitlines()]
    lines = [line for line in lines if line][:READ_LINES]
    if not lines:
        return False
    if _begins_automatically(lines[0]):
        return True
    return any(_HEADER.match(line) or _is_subject(line) for line in _header_block(lines))


def _begins_automatically(line: str) -> bool:
    subject = _LABEL.sub("", line, count=1)
    if subject.endswith("?"):
        return False
    return bool(_PREFIX.match(subject) or _ALONE.match(subject) or _MAILER.match(line))


def _is_subject(line: str) -> bool:
    return bool(_LABEL.match(line)) and _begins_automatically(line)


def _header_block(lines: list[str]) -> list[str]:
    """The headers that the text begins with; one line, a subject, may stand before several."""
    at_once = _ANY_HEADER.match(lines[0]) is not None
    if not at_once and lines[0].endswith((".", ":", "?", "!", ",")):
        return []  # a sentence: somebody shows us a mail
    block: list[str] = []
    for line in lines if at_once else lines[1:]:
        if not _ANY_HEADER.match(line):
            break
        block.append(line)
    return block if at_once or len(block) > 1 else []
