"""The secret link of a mail, put in at the moment the mail leaves; no ORM, no database."""

import re
from html import escape

from markupsafe import Markup

from .invitation import PLACEHOLDER

_HREF = re.compile(rf'href="[^"]*{re.escape(PLACEHOLDER)}[^"]*"')


def fill_link(body, url):
    """Put a link where the body points to the placeholder, and nowhere else.

    The wording of mails is edited by people who must not learn a link: a picture of another server
    whose address holds the placeholder would tell it, and so would a link to another page.

    :param str body: HTML
    :param str url: the whole address of the page, with the secret
    :return: ``(HTML, number of links)``
    """
    href = f'href="{escape(url)}"'
    filled, count = _HREF.subn(lambda _match: href, str(body))
    return Markup(filled), count  # noqa: S704 - as safe as the body that came
