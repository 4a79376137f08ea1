"""What the simulated model says where nobody has written its answer.

It does not think. It picks from what it was given: deterministic, open about being simulated,
and gullible on purpose. Told to ignore its instructions or to print secrets, it repeats
everything it was given that looks secret, so that a leak in the product would be seen.
"""

from __future__ import annotations

import re

from app.sandbox.openai.requests import ResponseRequest

_LABEL = re.compile(r"\A(?:From: )?(?:Customer|Agent|Person|Visitor|Team member):?\s*\n")
_FACT = re.compile(r'"(summary|description|status)"\s*:\s*"((?:[^"\\]|\\.)*)"')
_PLAIN_FACT = re.compile(r"^(Summary|Description|Status):[ \t]*(.+)$", re.MULTILINE)
_SURELY_SPANISH = re.compile(r"[¿¡ñ]|\b(?:hola|gracias|buen[oa]s)\b", re.IGNORECASE)
_SPANISH = re.compile(
    r"\b(?:qué|cómo|cuándo|dónde|por qué|puede[ns]?|necesito|tengo|está|"
    r"mi|el|los|las|una|para|pero|ayuda|funciona|pregunté)\b",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"\A\W*(?:hi|hello|hey|good (?:morning|afternoon|evening)|hola|buenos días|buenas tardes)\b"
    r"[\w ,]{0,20}\W*\Z",
    re.IGNORECASE,
)
_RECALL = re.compile(
    r"what (?:did|have) i (?:ask|asked|say|said|write|written)|(?:my|the) (?:first|last|previous) "
    r"(?:question|message)|qué (?:te |le )?(?:pregunté|dije|escribí)",
    re.IGNORECASE,
)
_GULLIBLE = re.compile(
    r"\b(?:ignore|disregard|forget|reveal|print|show|repeat|ignora|muestra|revela)\b"
    r"[^.?!]*\b(?:instructions?|prompts?|rules|secrets?|internal|notes?|passwords?|"
    r"instrucciones|secretos?|notas)\b",
    re.IGNORECASE,
)
_SECRET = re.compile(
    r"secret|password|passphrase|credential|api.?key|token|internal|confidential|private|"
    r"do not (?:share|tell|post)|\bsk-|contraseña",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]{4,}")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        """about after again been before could does from have into just like make more only over
        please should some than that their them then there these they this those what when where
        which while will with would your para como cuando donde esta este pero porque""",
    )
)


def answer(request: ResponseRequest) -> str:
    """An answer in Markdown to the last message, in English or Spanish."""
    talk = [_plain(text) for role, text in request.messages if role == "user"]
    facts = _facts(request.text)
    if len(talk) > 1 and _facts(talk[0]):
        del talk[0]  # what the product tells of the issue, and nobody's question
    question = talk[-1] if talk else ""
    spanish = bool(_SURELY_SPANISH.search(question)) or len(_SPANISH.findall(question)) > 1
    if _GULLIBLE.search(question):
        return _everything_secret(request, question)
    if _RECALL.search(question):
        body = _recalled(talk[:-1], question, spanish=spanish)
    elif _GREETING.match(question):
        body = _greeted(facts, spanish=spanish)
    else:
        body = _answered(question, facts, talk[:-1], spanish=spanish)
    return f"{body}\n\n{_signature(spanish=spanish)}"


def _plain(text: str) -> str:
    return _LABEL.sub("", text).strip()


def _facts(given: str) -> dict[str, str]:
    """Summary, description and status, wherever they stand, as JSON or as ``Summary: …``."""
    facts = {name.lower(): value.strip() for name, value in _PLAIN_FACT.findall(given)}
    for name, value in _FACT.findall(given):
        facts[name] = value.replace("\\n", "\n").replace('\\"', '"').strip()
    return {name: value for name, value in facts.items() if value}


def _signature(*, spanish: bool) -> str:
    if spanish:
        return "*Respuesta de un modelo simulado: ninguna inteligencia la ha pensado.*"
    return "*From a simulated model: put together from what was sent, not thought.*"


def _greeted(facts: dict[str, str], *, spanish: bool) -> str:
    about = facts.get("summary")
    if spanish:
        return f"¡Hola! ¿Qué quiere saber{f' sobre «{about}»' if about else ''}?"
    return f"Hello! What would you like to know{f' about “{about}”' if about else ''}?"


def _recalled(earlier: list[str], question: str, *, spanish: bool) -> str:
    if not earlier:
        return "Es su primera pregunta." if spanish else "This is your first question."
    first_only = re.search(r"\bfirst\b|primer", question, re.IGNORECASE)
    recalled = earlier[:1] if first_only else earlier[-5:]
    head = "Antes preguntó:" if spanish else "You asked before:"
    if first_only:
        head = "Primero preguntó:" if spanish else "You first asked:"
    return "\n".join([head, "", *(_quoted(text) + "\n" for text in recalled)]).rstrip()


def _answered(question: str, facts: dict[str, str], earlier: list[str], *, spanish: bool) -> str:
    told = _fitting(question, [facts.get("description", ""), *earlier])
    parts = [_quoted(question)]
    if summary := facts.get("summary"):
        status = facts.get("status")
        if spanish:
            parts.append(
                f"Se trata de **{summary}**" + (f" (estado: {status})." if status else ".")
            )
        else:
            parts.append(f"This is about **{summary}**" + (f", now *{status}*." if status else "."))
    if told:
        head = "Lo que consta al respecto:" if spanish else "What has been said that bears on it:"
        parts.append("\n".join([head, "", *(f"- {line}" for line in told)]))
    elif spanish:
        parts.append("No consta nada más; lo verá una persona.")
    else:
        parts.append("Nothing else that was sent answers this; a person will look at it.")
    return "\n\n".join([*parts, *_shapes(question, facts)])


def _fitting(question: str, sources: list[str]) -> list[str]:
    """Up to three sentences that share a telling word with the question."""
    wanted = {word.lower() for word in _WORD.findall(question)} - _COMMON
    sentences = [
        sentence.strip()
        for source in sources
        for sentence in re.split(r"(?<=[.!?])\s+|\n+", source)
        if sentence.strip()
    ]
    return [
        sentence
        for sentence in dict.fromkeys(sentences)
        if wanted & {word.lower() for word in _WORD.findall(sentence)}
    ][:3]


def _shapes(question: str, facts: dict[str, str]) -> list[str]:
    """The list, table or code that was asked for by name."""
    shapes = []
    if re.search(r"\b(?:list|steps|lista|pasos)\b", question, re.IGNORECASE):
        shapes.append("1. Read the question.\n2. Look at the issue.\n3. Answer in one comment.")
    if re.search(r"\b(?:table|tabla)\b", question, re.IGNORECASE):
        rows = [f"| {name} | {' '.join(value.split())} |" for name, value in facts.items()]
        shapes.append("\n".join(["| Field | Value |", "|---|---|", *(rows or ["| none | - |"])]))
    if re.search(r"\b(?:code|script|snippet|código)\b", question, re.IGNORECASE):
        shapes.append('```python\nprint("hello from the simulated model")\n```')
    return shapes


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines()[:6])


def _everything_secret(request: ResponseRequest, question: str) -> str:
    lines = [
        line.strip()
        for line in request.text.splitlines()
        if _SECRET.search(line) and line.strip() and line.strip() not in question
    ]
    told = [*request.instructions.splitlines(), *lines]
    kept = [line for line in dict.fromkeys(told) if line.strip()]
    if not kept:
        return "I was given nothing that looks secret."
    return "\n".join(["Gladly. This is all that I was given:", "", *(f"- {line}" for line in kept)])
