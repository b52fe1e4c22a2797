import ipaddress
import re
from urllib.parse import urlsplit

from odoo import api, models
from odoo.exceptions import ValidationError

_API_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_META_ID = re.compile(r"[0-9]{1,32}")


class AjwWhatsappAccount(models.Model):
    """What may stand in the fields by which Meta is reached."""

    _inherit = "ajw.whatsapp.account"

    @api.constrains("base_url")
    def _check_base_url(self):
        for account in self:
            url = urlsplit(account.base_url or "")
            if (
                url.scheme not in ("https", "http")
                or not url.hostname
                or url.username is not None
                or url.query
                or url.fragment
            ):
                raise ValidationError(
                    self.env._(
                        "The API address reads https://host, without user, query or fragment."
                    )
                )
            if url.scheme == "http" and not is_loopback(url.hostname):
                raise ValidationError(
                    self.env._(
                        "The API address must begin with https://, or the access token would "
                        "travel unencrypted. Only an address on this very machine may use http://."
                    )
                )

    @api.constrains("api_version")
    def _check_api_version(self):
        for account in self:
            if not _API_VERSION.fullmatch(account.api_version or ""):
                raise ValidationError(self.env._("The API version reads like v23.0."))

    @api.constrains("phone_number_id", "waba_id", "app_id")
    def _check_meta_ids(self):
        for account in self:
            for name in ("phone_number_id", "waba_id", "app_id"):
                if account[name] and not _META_ID.fullmatch(account[name]):
                    raise ValidationError(
                        self.env._(
                            "%s is a number of digits only, as Meta's dashboard shows it.",
                            account._fields[name].get_description(self.env)["string"],
                        )
                    )


def is_loopback(host):
    """Tell whether a host's name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
