"""What Meta says about an account, gathered for the set-up and the self-test.

Each question is asked once and its failure kept beside the other answers; when Meta cannot be
reached, the questions that are left are not asked, so that nobody waits for one time-out after
another.
"""

from typing import Any, NamedTuple

from .errors import CloudApiError, ConnectionFailed, OutcomeUnknown

#: Question → method of :class:`..client.CloudApiClient`, in the order they are asked.
QUESTIONS = {
    "number": "get_number_status",
    "account": "get_account_status",
    "numbers": "list_phone_numbers",
    "token": "get_token_status",
    "apps": "list_subscribed_apps",
}

#: Permissions the token needs.
NEEDED_SCOPES = ("whatsapp_business_messaging", "whatsapp_business_management")


class Answer(NamedTuple):
    """Meta's answer to one question.

    :param value: what the client's method returned; ``None`` when there is an error
    :param error: what it raised, or ``None``
    """

    value: Any = None
    error: Exception | None = None

    @property
    def refused(self):
        """Whether Meta answered, and refused."""
        return isinstance(self.error, CloudApiError)


def inspect(client, questions=tuple(QUESTIONS)):
    """Ask Meta about an account.

    :param CloudApiClient client: connection of the account
    :param questions: keys of :data:`QUESTIONS`
    :return: dict of question → :class:`Answer`
    """
    answers = {}
    lost = None
    for question, method in QUESTIONS.items():
        if question not in questions:
            continue
        if lost:
            answers[question] = Answer(error=lost)
            continue
        try:
            answers[question] = Answer(getattr(client, method)())
        except CloudApiError as error:
            answers[question] = Answer(error=error)
        except (ConnectionFailed, OutcomeUnknown) as error:
            lost = error
            answers[question] = Answer(error=error)
    return answers


def is_wrong_secret(error):
    """Tell whether Meta refused a call because of the app secret that vouches for it.

    The error has the code of any wrong parameter; only its text names ``appsecret_proof``.
    """
    return isinstance(error, CloudApiError) and "appsecret_proof" in (
        f"{error.message} {error.details or ''}"
    )


def missing_scopes(token):
    """Return the permissions that a token lacks.

    :param dict token: answer of ``get_token_status``
    :rtype: list[str]
    """
    scopes = token.get("scopes") or ()
    return [scope for scope in NEEDED_SCOPES if scope not in scopes]


def blocking_reasons(account):
    """Return what Meta names as keeping the account from sending.

    :param dict account: answer of ``get_account_status``
    :return: list of (description, what Meta says to do about it)
    """
    health = account.get("health_status")
    entities = health.get("entities") if isinstance(health, dict) else None
    reasons = []
    for entity in entities if isinstance(entities, list) else ():
        if not isinstance(entity, dict):
            continue
        for error in entity.get("errors") or ():
            if isinstance(error, dict):
                reasons.append(
                    (
                        str(error.get("error_description") or error.get("error_code") or ""),
                        str(error.get("possible_solution") or ""),
                    )
                )
    return reasons
