from odoo import api, fields, models

from ..tools.bulk import STAMP, copy_rows, stamp

#: How an opt-in was given → where the contact came from, if nothing says more. An import says it
#: itself; what a colleague enters in the back office is for the colleague to say.
ORIGIN_OF_METHOD = {
    **dict.fromkeys(
        ("paper", "web_form", "email_link", "sms_link", "qr_code", "portal", "document_link"),
        "own_form",
    ),
    **dict.fromkeys(("spoken", "whatsapp_message", "whatsapp_button"), "phone"),
    "in_person": "in_person",
}
COLUMNS = (
    *("partner_id", "company_id", "kind", "date", "detail", "import_id"),
    *STAMP,
)


class AjwConsentOrigin(models.Model):
    """Origins that our own ways of asking record by themselves."""

    _inherit = "ajw.consent.origin"

    @api.model
    def _note_missing(self, controller, origins, run=None):
        """Record where contacts came from that have no origin yet towards a controller.

        Below the ORM, in two statements: an import has very many.

        :param controller: res.company
        :param dict origins: id of res.partner → ``(kind, date, detail)``, the date not in the
            future, the detail not empty
        :param run: ``ajw.consent.import`` they came by, if by one
        """
        if not origins:
            return
        self.flush_model(["partner_id", "company_id"])
        self.env["res.partner"].flush_model(["active"])  # new contacts are there
        # SQL: whoever answers on a public page may read nothing of this
        self.env.cr.execute(
            "SELECT partner_id, company_id FROM ajw_consent_origin WHERE partner_id = ANY(%s)",
            [list(origins)],
        )
        # Not asked by the controller: see _find_or_create of ajw.consent.subject
        known = {row[0] for row in self.env.cr.fetchall() if row[1] == controller.id}
        beside = (run.id if run else None, *stamp(self.env))
        rows = [
            (partner_id, controller.id, kind, day, detail, *beside)
            for partner_id, (kind, day, detail) in origins.items()
            if partner_id not in known
        ]
        if rows:
            copy_rows(self.env.cr, self._table, COLUMNS, rows)
            self.invalidate_model(flush=False)
            self.env["res.partner"].invalidate_model(
                ["ajw_consent_origin_ids", "ajw_consent_origin_id", "ajw_consent_origin_kind"],
                flush=False,
            )


class AjwConsentEvent(models.Model):
    """Every opt-in says where its contact came from, where nothing else did."""

    _inherit = "ajw.consent.event"

    @api.model
    def _append_entries(self, entries, *args, **kwargs):
        # EXTENDS here: the first that is on record of a contact can be its opt-in
        entries = list(entries)
        events = super()._append_entries(entries, *args, **kwargs)
        self._note_origins(
            [
                entry
                for entry in entries
                if entry.kind == "given" and entry.method in ORIGIN_OF_METHOD
            ]
        )
        return events

    @api.model
    def _note_origins(self, entries):
        if not entries:
            return
        # sudo: whoever answers on a public page is nobody's user
        subjects = self.env["ajw.consent.subject"].sudo()
        subjects = subjects.browse({entry.subject_id for entry in entries})
        facts = {
            subject.id: (subject.company_id, subject.partner_id)
            for subject in subjects
            if subject.partner_id
        }
        methods = dict(self._fields["method"]._description_selection(self.env))
        today = fields.Date.context_today(self)
        by_controller = {}
        for entry in entries:
            if entry.subject_id not in facts:
                continue
            controller, partner = facts[entry.subject_id]
            day = min(entry.occurred_at.date(), today)
            if partner.create_date and partner.create_date.date() < day:
                detail = self.env._(
                    "The first that is on record is an opt-in (%s). The contact was there before; "
                    "where it came from was not recorded then.",
                    methods[entry.method],
                )
            else:
                detail = self.env._("Came with an opt-in (%s).", methods[entry.method])
            by_controller.setdefault(controller, {}).setdefault(
                partner.id, (ORIGIN_OF_METHOD[entry.method], day, detail)
            )
        for controller, origins in by_controller.items():
            self.env["ajw.consent.origin"]._note_missing(controller, origins)
