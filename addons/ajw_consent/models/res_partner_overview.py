from odoo import api, fields, models

from ..tools.address import AddressError, normalize_address
from .selections import CHANNELS

#: Channels shown even when nothing was answered yet.
ALWAYS_SHOWN = ("whatsapp", "email", "sms")
#: Answers that a withdrawal ends.
WITHDRAWABLE = ("given", "unconfirmed", "suspended")
#: Events in the timeline; the rest is a click away.
TIMELINE = 20


class ResPartner(models.Model):
    """All answers of a contact at a glance: purposes × numbers, and what happened when."""

    _inherit = "res.partner"

    ajw_consent_overview = fields.Json(
        "Consent Overview",
        compute="_compute_ajw_consent_overview",
        groups="ajw_consent.group_user",
        help="What the gate answers for each purpose and number, and the events behind it.",
    )

    @api.depends("ajw_consent_state_ids")
    @api.depends_context("allowed_company_ids", "uid", "lang")
    def _compute_ajw_consent_overview(self):
        for partner in self:
            partner.ajw_consent_overview = partner._origin._ajw_overview() or False

    def _ajw_overview(self):
        """Return what the widget ``ajw_consent_overview`` shows of one contact.

        Read with the user's own rights: answers and events of controllers whose companies the user
        works in now.

        :return: dict of JSON values; empty for a contact not saved yet
        :raises AccessError: the user may not see answers
        """
        if not self.id:
            return {}
        self.check_access("read")
        states = self.env["ajw.consent.state"].search([("partner_id", "=", self.id)])
        controllers = self.env.companies.ajw_consent_controller_id
        if self.company_id:
            # A contact of one company is asked for by that company alone.
            own = self.sudo().company_id.ajw_consent_controller_id
            controllers = controllers & own | states.company_id
        purposes = self.env["ajw.consent.purpose"].search([])
        return {
            "partner_id": self.id,
            "may_see_evidence": self.env["ajw.consent.evidence"].has_access("read"),
            "sections": [
                self._ajw_overview_section(
                    controller, purposes, states.filtered(lambda s, c=controller: s.company_id == c)
                )
                for controller in controllers
            ],
            **self._ajw_overview_timeline(states),
        }

    def _ajw_overview_columns(self, states):
        """Return ``(channel, address)`` pairs: the contact's own, then others with an answer."""
        own = []
        for channel in ALWAYS_SHOWN:
            try:
                address = normalize_address(
                    channel, self._ajw_default_address(channel), self.country_id.code
                )
            except AddressError:
                continue
            own.append((channel, address))
        order = [key for key, _label in CHANNELS]
        others = {(state.channel, state.address or "") for state in states} - set(own)
        return own, [*own, *sorted(others, key=lambda pair: (order.index(pair[0]), pair[1]))]

    def _ajw_overview_section(self, controller, purposes, states):
        channels = dict(
            self.env["ajw.consent.state"]._fields["channel"]._description_selection(self.env)
        )
        own, columns = self._ajw_overview_columns(states)
        answers = self.env["ajw.consent.gate"]._check_matrix(
            controller, purposes, [(channel, self.id, address) for channel, address in columns]
        )
        by_key = states.grouped(lambda s: (s.purpose_id.id, s.channel, s.address or ""))
        rows = []
        for purpose in purposes:
            cells = []
            for channel, address in columns:
                found = by_key.get((purpose.id, channel, address), states.browse())
                cells.append(
                    {
                        "key": f"{channel}:{address}",
                        **self._ajw_overview_cell(
                            answers[purpose.id, channel, self.id, address], found
                        ),
                    }
                )
            rows.append(
                {"id": purpose.id, "code": purpose.code, "name": purpose.name, "cells": cells}
            )
        # sudo: the name of the controller, which a user of a branch need not see otherwise
        name = controller.sudo().name
        return {
            "controller": {"id": controller.id, "name": name},
            "columns": [
                {
                    "key": f"{channel}:{address}",
                    "channel": channel,
                    "label": channels[channel],
                    "address": address,
                    "former": (channel, address) not in own and bool(address),
                }
                for channel, address in columns
            ],
            "rows": rows,
        }

    def _ajw_overview_cell(self, answer, states):
        gate = self.env["ajw.consent.gate"]
        open_states = states.filtered(lambda state: state.status in WITHDRAWABLE)
        return {
            "allowed": answer.allowed,
            "reason": answer.reason,
            "label": gate._reason_short(answer.reason),
            "sentence": gate._reason_label(answer.reason),
            "has_proof": bool(states),
            "withdraw_ids": open_states.ids,
            "since": fields.Datetime.to_string(max(states.mapped("since"), default=False)) or "",
            "expires_at": fields.Datetime.to_string(
                min(filter(None, open_states.mapped("expires_at")), default=False)
            )
            or "",
        }

    def _ajw_overview_timeline(self, states):
        events = self.env["ajw.consent.event"].search(
            [("subject_id.partner_id", "=", self.id)],
            order="occurred_at desc, id desc",
            limit=TIMELINE + 1,
        )
        addresses = {(state.subject_id.id, state.address_ref): state.address for state in states}
        labels = {
            name: dict(self.env["ajw.consent.event"]._fields[name]._description_selection(self.env))
            for name in ("kind", "method", "channel")
        }
        purposes = {
            purpose.code: purpose.name
            for purpose in self.env["ajw.consent.purpose"]
            .with_context(active_test=False)
            .search([("code", "in", list(set(events.mapped("purpose_code"))))])
        }
        several = len(self.env.companies.ajw_consent_controller_id) > 1
        return {
            "more": len(events) > TIMELINE,
            "events": [
                {
                    "id": event.id,
                    "kind": event.kind,
                    "label": labels["kind"][event.kind],
                    "purpose": purposes.get(event.purpose_code, event.purpose_code),
                    "channel": labels["channel"][event.channel],
                    "address": addresses.get((event.subject_id.id, event.address_ref)) or "",
                    "method": labels["method"][event.method],
                    "when": fields.Datetime.to_string(event.occurred_at),
                    "notice_id": event.notice_id.id,
                    "notice": event.notice_id.display_name if event.notice_id else "",
                    "controller": event.company_id.sudo().name if several else "",
                }
                for event in events[:TIMELINE]
            ],
        }
