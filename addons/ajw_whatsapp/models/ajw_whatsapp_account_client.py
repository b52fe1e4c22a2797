from odoo import models
from odoo.exceptions import UserError

from ..cloud_api.client import CloudApiClient
from ..cloud_api.errors import CloudApiError, ConnectionFailed, OutcomeUnknown


class AjwWhatsappAccount(models.Model):
    """The account's connection to Meta, and its test."""

    _inherit = "ajw.whatsapp.account"

    def _get_client(self, **options):
        """Return the connection to Meta for this account.

        :param options: further arguments of the client, such as ``timeout``
        :rtype: CloudApiClient
        :raises UserError: no token is stored, or the keys are missing or wrong
        """
        self.ensure_one()
        token = self._read_secret("access_token")
        if not token:
            raise UserError(
                self.env._(
                    "The WhatsApp account %s has no access token. Enter one on the account.",
                    self.name,
                )
            )
        account_sudo = self.sudo()  # sudo: whoever sends needs the address, only managers see it
        return CloudApiClient(
            base_url=account_sudo.base_url,
            api_version=account_sudo.api_version,
            phone_number_id=self.phone_number_id,
            waba_id=self.waba_id,
            app_id=self.app_id or None,
            access_token=token,
            app_secret=self._read_secret("app_secret"),
            **options,
        )

    def _call(self, function, *args):
        """Call Meta and turn its errors into sentences.

        :raises UserError: says what is wrong and what to do
        """
        try:
            return function(*args)
        except CloudApiError as error:
            raise UserError(self.env["ajw.whatsapp.error"]._sentence(error)) from None
        except (ConnectionFailed, OutcomeUnknown):
            raise UserError(
                self.env._(
                    "Meta could not be reached at %s. Check the API address and this server's "
                    "connection to the internet, then try again.",
                    self.sudo().base_url,  # sudo: only the address, no secret
                )
            ) from None

    def action_test_connection(self):
        """Look the number and the account up at Meta, and connect when both are found.

        :raises UserError: says what is wrong and what to do
        """
        self._check_manager()
        self._need_ids()
        with self._get_client() as client:
            number = self._call(client.get_phone_number)
            self._call(client.get_business_account)
            numbers = self._call(client.list_phone_numbers)
            if self.phone_number_id not in numbers:
                raise UserError(
                    self.env._(
                        "The number %(number)s does not belong to the business account %(waba)s. "
                        "Compare both ids with Meta's dashboard.",
                        number=number.get("display_phone_number") or self.phone_number_id,
                        waba=self.waba_id,
                    )
                )
            # Without it a verified webhook never receives anything.
            self._call(client.subscribe_app)
        # sudo: the state is read-only to every role; only a passed test sets it
        self.sudo().write(
            {
                "display_phone_number": number.get("display_phone_number"),
                "verified_name": number.get("verified_name"),
                "state": "connected",
                "stopped_reason": False,
            }
        )
        self.sudo()._end_pause()
        self.activity_unlink(["mail.mail_activity_data_warning"])
        self._wake_sender()
        message = self.env._(
            "Connected to %(name)s (%(number)s).",
            name=self.verified_name or self.name,
            number=self.display_phone_number or self.phone_number_id,
        )
        if not self.has_app_secret:
            message += " " + self.env._(
                "The app secret is missing: nothing that Meta reports will be believed until you "
                "enter it."
            )
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success" if self.has_app_secret else "warning",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }
