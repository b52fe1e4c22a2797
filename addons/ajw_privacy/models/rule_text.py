"""How a rule of law is named in the log of what it belongs to."""


def describe_rule(rule):
    """A dated rule in one line: what it asks for, its article, and from when until when.

    :param rule: a record with ``article``, ``valid_from`` and ``valid_to``
    :rtype: str
    """
    return ", ".join(
        filter(
            None,
            (
                rule.display_name,
                rule.article,
                rule.valid_from and f"≥ {rule.valid_from}",
                rule.valid_to and f"≤ {rule.valid_to}",
            ),
        )
    )
