import io
import json
import os
import zipfile
from unittest.mock import patch

from odoo.addons.ajw_consent.tests.common import TEST_KEYS
from odoo.addons.ajw_consent.tools.keyring import ENVIRONMENT_VARIABLE

from ..engine import codes
from .common import PrivacyCommon

CODE = "13572468"


class RequestCommon(PrivacyCommon):
    """A person of company A in Germany, a namesake, and a person of company B."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(patch.dict(os.environ, {ENVIRONMENT_VARIABLE: TEST_KEYS}))
        cls.company.country_id = cls.env.ref("base.in")
        cls.person = cls._person("Asha Rao", "asha@example.com", "+49 30 1234567")
        cls.namesake = cls._person("Asha Rao", "other.asha@example.com", "+49 30 7654321")
        cls.env["ir.mail_server"].search([]).active = False

    @classmethod
    def _person(cls, name, email, phone, company=None, **values):
        return cls.env["res.partner"].create(
            {
                "name": name,
                "email": email,
                "phone": phone,
                "country_id": cls.env.ref("base.de").id,
                "company_id": (company or cls.company).id,
                **values,
            }
        )

    def _request(self, user=None, **values):
        return (
            self.env["ajw.privacy.request"]
            .with_user(user or self.officer)
            .create(
                {
                    "kind": "access",
                    "requester_name": "Somebody",
                    "requester_email": "impostor@example.net",
                    "partner_id": self.person.id,
                    "received_on": "2026-01-31",
                    **values,
                }
            )
        )

    def _verified(self, **values):
        request = self._request(**values)
        request._do_verify_document("passport seen")
        return request

    def _send_code(self, request):
        """Have a code sent; returns the mails."""
        mails = []
        mail = self.registry["mail.mail"]
        with (
            patch.object(codes, "generate", return_value=CODE),
            patch.object(mail, "send", lambda self, *a, **k: mails.append(self)),
        ):
            request.action_send_code()
        return mails

    def _open(self, package):
        """(data.json as an object, summary.html, the raw data.json) of a copy."""
        files = zipfile.ZipFile(io.BytesIO(package.sudo()._content()))
        raw = files.read("data.json").decode()
        return json.loads(raw), files.read("summary.html").decode(), raw
