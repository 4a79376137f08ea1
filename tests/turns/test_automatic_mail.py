"""Machines are not answered; people who write about them are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.turns.automatic_mail import automatic_mail

AUTOMATIC = (
    "Automatic reply: [OPS-12] VPN does not connect\n\nI am out of the office until Monday.",
    "Automatic reply: Re: invoice\nThank you for your message.",
    "AUTOMATIC REPLY: Re: invoice",
    "Auto: Re: [OPS-12] VPN",
    "Autoreply: your request",
    "Auto-Reply: your request",
    "Auto Reply: thanks for writing",
    "Autoreply",
    "Out of office",
    "Out of Office: Re: printer\nBack on 3 June.",
    "Out of the office",
    "Out of the Office - Jane Doe\n\nI am away with limited access to mail.",
    "Out-of-office reply\nI am away.",
    "*Out of office*\nI will be back next week.",
    "Subject: Out of Office\nI will be back next week.",
    "Abwesenheitsnotiz\nIch bin bis zum 3. Juni nicht im Büro.",
    "Abwesenheitsnotiz: Re: Drucker",
    "Automatische Antwort: [OPS-12] Drucker\nVielen Dank für Ihre Nachricht.",
    "Betreff: Automatische Antwort: Drucker",
    "Respuesta automática: Re: impresora",
    "Respuesta automatica: Re: impresora",
    "Fuera de la oficina\nVuelvo el lunes.",
    "Fuera de la oficina: Re: impresora",
    "Réponse automatique : Re: imprimante\nJe suis absent.",
    "Absence du bureau\nJe suis absent jusqu'au 3 juin.",
    "Absence du bureau : Re: imprimante",
    "Risposta automatica: Re: stampante",
    "Fuori sede: Re: stampante",
    "Resposta automática: Re: impressora",
    "Fora do escritório\nVolto na segunda-feira.",
    "Delivery Status Notification (Failure)\nYour message could not be delivered.",
    "Delivery Status Notification (Delay)",
    "Undelivered Mail Returned to Sender\n\nThis is the mail system at host mx.example.com.",
    "This is the mail system at host mx.example.com.\n\nI'm sorry to have to inform you",
    "Mail delivery failed: returning message to sender",
    "Mail delivery failed",
    "Undeliverable: Re: [OPS-12] VPN",
    "Unzustellbar: Re: Drucker",
    "No se puede entregar: Re: impresora",
    "Non remis : Re: imprimante",
    "Non recapitabile: Re: stampante",
    "Não é possível entregar: Re: impressora",
    "failure notice",
    "Auto-Submitted: auto-replied\nI am away.",
    'auto-submitted: auto-generated; owner-email="a@example.com"\nHello',
    "From: jane@example.com\nTo: help@example.com\nX-Autoreply: yes\n\nI am away.",
    "X-Auto-Response-Suppress: All\nI am away.",
    "X-Auto-Response-Suppress: DR, OOF, AutoReply\nI am away.",
    "Precedence: bulk\nNews of the week",
    "Precedence: auto_reply\nI am away.",
    "Precedence: junk\nI am away.",
    "Return-Path: <>\nI am away.",
    "From: jane@example.com\nSubject: Automatic reply: VPN\n\nI am away.",
    "Re: [OPS-12] VPN\nReturn-Path: <>\nAuto-Submitted: auto-replied\n\nI am away.",
    "Vacation\nReturn-Path: <>\nAuto-Submitted: auto-replied\n\nI am away.",
    "\n\n   Automatic reply: spaces before it",
)

PEOPLE = (
    "",
    "   \n  ",
    "My out of office replies do not work.",
    "My out of office replies do not work\nThey were fine yesterday.",
    "Out of office replies are sent twice",
    "Out of office assistant does not switch off",
    "Out of office: how do I set it?",
    "Out of paper on the second floor",
    "Why does Jira send an Automatic reply: …?",
    "Why do we get Automatic reply: Re: printer all the time",
    "Automatic replies are broken since the update",
    "Automatic reply does not stop although I am back",
    "How do I set an automatic reply in Outlook?",
    "Automatic login fails: what now?",
    "Autocomplete: names are missing",
    "Automation rule fails on OPS-12",
    "Auto-Submitted: what does this header mean?",
    "Auto-Submitted: no\nHello, my printer is broken.",
    "X-Autoreply: no\nHello, my printer is broken.",
    "Precedence: which rule wins if two match?",
    "Precedence: list\nHello, my printer is broken.",
    "Return-Path: <jane@example.com>\nHello, my printer is broken.",
    "Our mails carry this header:\nAuto-Submitted: auto-replied\nCan we drop it?",
    "Can you tell me what this is?\nFrom: a@example.com\nSubject: Automatic reply: VPN",
    "I got this one and do not understand it.\n\n> Automatic reply: VPN\n> I am away.",
    "> Automatic reply: VPN\n> I am away.\n\nThis came back. Is Jane still with us?",
    "Hello,\n\nmy printer is broken.\n\nOn Monday Jane wrote:\n> Out of office",
    "Hello, my printer is broken.\n\nAutomatic reply: what our server answers to that",
    "Mail delivery is slow today",
    "Mail delivery failed for our newsletter yesterday, twenty customers are waiting",
    "Undeliverable mail keeps coming back to me, please help",
    "Delivery status of my new laptop",
    "Delivery failure: order 4711 never came",
    "We see many Undelivered Mail Returned to Sender messages",
    "Die Abwesenheitsnotiz lässt sich nicht einschalten",
    "Abwesenheitsnotiz lässt sich nicht einschalten",
    "Automatische Antworten gehen doppelt raus",
    "La respuesta automática no funciona",
    "Fuera de la oficina no tengo acceso a la VPN",
    "La réponse automatique ne part plus",
    "Absence du bureau impossible à activer",
    "La risposta automatica non parte",
    "A resposta automática não é enviada",
    "Returned mail is not filed where it should be",
    "Auto-reply rule is broken",
    "Subject: printer broken\nPlease help.",
    "Re: [OPS-12] VPN\nIt still fails.",
)


@pytest.mark.parametrize("text", AUTOMATIC)
def test_a_machine_is_known_by_how_its_mail_begins(text: str) -> None:
    assert automatic_mail(text)


@pytest.mark.parametrize("text", PEOPLE)
def test_a_person_is_answered(text: str) -> None:
    assert not automatic_mail(text)


def test_only_the_beginning_counts() -> None:
    lines = [f"line {number} of my story" for number in range(40)]
    assert not automatic_mail("\n".join([*lines, "Auto-Submitted: auto-replied", "Out of office"]))


@given(st.text())
def test_any_text_is_judged(text: str) -> None:
    assert automatic_mail(f"Automatic reply: {text}") or text.rstrip().endswith("?") or "?" in text


@pytest.mark.parametrize("text", ["x-" * 60_000, "Auto" * 30_000, " " * 100_000, "a:\n" * 40_000])
def test_a_hostile_length_is_read_in_part_only(text: str) -> None:
    assert not automatic_mail(text)
