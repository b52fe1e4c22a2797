from odoo import api, fields, models
from odoo.fields import Domain

from ..tools.address import PHONE_CHANNELS


class ResPartner(models.Model):
    _inherit = "res.partner"

    ajw_consent_state_ids = fields.One2many(
        "ajw.consent.state", "partner_id", "Consents", groups="ajw_consent.group_user"
    )
    ajw_consent_count = fields.Integer(
        "Consents in Force", compute="_compute_ajw_consent_count", groups="ajw_consent.group_user"
    )

    @api.depends("ajw_consent_state_ids.status")
    def _compute_ajw_consent_count(self):
        counts = dict(
            self.env["ajw.consent.state"]._read_group(
                [("partner_id", "in", self.ids), ("status", "=", "given")],
                ["partner_id"],
                ["__count"],
            )
        )
        for partner in self:
            partner.ajw_consent_count = counts.get(partner, 0)

    def ajw_action_record_consent(self):
        """Open the wizard that records this contact's answer.

        :raises AccessError: the user may not see the contact, or may not record answers
        """
        self.ensure_one()
        self.check_access("read")
        self.env["ajw.consent.record"].check_access("create")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Record Consent"),
            "res_model": "ajw.consent.record",
            "view_mode": "form",
            "target": "new",
            "context": {**self.env.context, "default_partner_id": self.id},
        }

    def ajw_action_open_consents(self):
        """Open this contact's current answers.

        :raises AccessError: the user may not see the contact, or no answers
        """
        self.ensure_one()
        self.check_access("read")
        self.env["ajw.consent.state"].check_access("read")
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "ajw_consent.ajw_consent_state_action"
        )
        action["domain"] = [("partner_id", "=", self.id)]
        action["context"] = {"default_partner_id": self.id}
        return action

    @api.model
    def _ajw_holding_address(self, controller, channel, address):
        """Return the contacts a controller can see that hold an address in their own fields.

        :param controller: res.company
        :param str channel: channel key
        :param str address: normalised address
        """
        return self._ajw_holding(controller, channel, [address]).get(address, self.browse())

    @api.model
    def _ajw_holding(self, controller, channel, addresses):
        """Return address → contacts a controller can see that hold it in their own fields.

        The number of queries does not grow with the addresses.

        :param controller: res.company
        :param str channel: channel key
        :param addresses: iterable of normalised addresses
        """
        if channel in PHONE_CHANNELS:
            names = self._ajw_number_fields()
        elif channel == "email":
            names = ["email_normalized"]
        else:
            return {}
        wanted = set(addresses)
        companies = self.env["res.company"].search([("id", "child_of", controller.id)])
        partners = self.search_fetch(
            Domain.OR(Domain(name, "in", list(wanted)) for name in names)
            & Domain("company_id", "in", [False, *companies.ids]),
            names,
        )
        found = {}
        for partner in partners:
            for address in wanted & {partner[name] for name in names}:
                found.setdefault(address, []).append(partner.id)
        return {address: self.browse(ids) for address, ids in found.items()}

    def _ajw_default_address(self, channel):
        """Return the contact's own address for a channel, or ``False``."""
        self.ensure_one()
        if channel in PHONE_CHANNELS:
            return self.phone_sanitized or self.phone
        if channel == "email":
            return self.email_normalized or self.email
        return False
