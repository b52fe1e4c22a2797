"""What would happen to one document if it were sent by WhatsApp now."""

from typing import Any, NamedTuple

from .recipient import Recipient


class SendPlan(NamedTuple):
    """One document's way to its customer, or the reason why there is none.

    ``problem`` is a sentence for the user, empty when the document may be sent; ``refusal`` is
    the consent gate's reason code when it was the gate that said no, else empty. ``answer`` is
    the gate's answer, or ``None`` when something else was wrong before it could be asked.
    ``code`` names the kind of problem, so that documents with the same one can be counted together.
    """

    partner: Any
    recipient: Recipient
    purpose: Any
    account: Any
    templates: Any
    template: Any
    answer: Any
    refusal: str
    problem: str
    code: str = ""


def pick_language(languages, wanted):
    """Choose among template languages the one closest to a person's.

    Exact first (``pt_BR``), then the language without country, then the same language of another
    country, then English, then the first.

    :param languages: Meta's language codes on offer, in order of preference
    :param str wanted: Odoo's language code of the person, may be empty
    :return: one of ``languages``, or ``None`` when there is none
    """
    languages = list(languages)
    for code in (wanted or "", "en"):
        if not code:
            continue
        base = code.split("_")[0]
        for candidate in (code, base):
            if candidate in languages:
                return candidate
        for candidate in languages:
            if candidate.split("_")[0] == base:
                return candidate
    return languages[0] if languages else None
