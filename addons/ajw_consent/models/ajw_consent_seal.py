import json

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..ledger.seal import Seal, SealContent, write_seal

#: Columns that the hash covers, or that name between which events two histories differ.
SEALED_COLUMNS = (
    "company_id",
    "ledger",
    "sequence",
    "sealed_at",
    "event_count",
    "total",
    "root",
    "previous_hash",
    "hash",
    "seal_version",
    "tree_level",
    "tree_nodes",
)


class AjwConsentSeal(models.Model):
    """What the ledger of a controller held on a day, in one hash that is also kept elsewhere.

    Guarded as the ledger is: by the sentinel, and by triggers. Only what became of its email
    changes.
    """

    _name = "ajw.consent.seal"
    _inherit = ["ajw.consent.ledger.guard"]
    _description = "Ledger Seal"
    _order = "company_id, sequence desc"
    _rec_name = "sequence"
    _log_access = False

    _ajw_personal_data = {
        "mailed_to": {
            "category": "email",
            "erase": "keep",
            "reason": "names who holds a copy of the seal, which the proof rests on",
        },
        "mail_error": {
            "category": "technical",
            "erase": "none",
            "reason": "why the mail to the officer failed; names no customer",
        },
        **{
            name: {"category": "technical", "erase": "none", "reason": "hashes; name nobody"}
            for name in ("hash", "previous_hash", "root", "tree_nodes")
        },
    }

    company_id = fields.Many2one(
        "res.company", "Controller", required=True, readonly=True, index=True, ondelete="restrict"
    )
    ledger = fields.Char(
        "Database", required=True, readonly=True, help="The database's identifier when sealed."
    )
    sequence = fields.Integer(
        "Number", required=True, readonly=True, aggregator=None, help="From 1, without a gap."
    )
    sealed_at = fields.Datetime("Sealed", required=True, readonly=True)
    event_count = fields.Integer(
        "Events", required=True, readonly=True, help="Events that no earlier seal covers."
    )
    total = fields.Integer(
        "Events in all",
        required=True,
        readonly=True,
        aggregator="max",
        help="Events that this seal and all before it cover.",
    )
    root = fields.Char(
        "Digest of the events",
        required=True,
        readonly=True,
        help="Root of the Merkle tree (RFC 6962) over the hashes of the events.",
    )
    previous_hash = fields.Char("Hash of the seal before", required=True, readonly=True)
    hash = fields.Char(
        required=True,
        readonly=True,
        help="SHA-256 over all of the above. Compare it with the email.",
    )
    seal_version = fields.Integer("Version", required=True, readonly=True, aggregator=None)
    tree_level = fields.Integer(required=True, readonly=True, aggregator=None)
    tree_nodes = fields.Text(
        required=True,
        readonly=True,
        help="Digests of groups of events: they tell where a rewritten history differs.",
    )
    mail_state = fields.Selection(
        [
            ("to_send", "To send"),
            ("queued", "In the mail queue"),
            ("sent", "Sent"),
            ("failed", "Not sent"),
            ("nobody", "No recipient"),
        ],
        "Email",
        readonly=True,
        help="A seal that lies in this database only proves little: it has to be kept elsewhere.",
    )
    mailed_at = fields.Datetime("Emailed", readonly=True)
    mailed_to = fields.Char("Emailed to", readonly=True)
    mail_error = fields.Char("Why it was not sent", readonly=True)

    _number_unique = models.UniqueIndex("(company_id, sequence)")

    def init(self):
        """Install the triggers that refuse every change of what was sealed, whoever asks."""
        # SQL: the guard must hold below the ORM. The table of the lines is made before or after
        # this one: both ask for it.
        self.env["ajw.consent.seal.line"]._install_guard(self._table, SEALED_COLUMNS)

    @api.depends("company_id", "sequence")
    def _compute_display_name(self):
        for seal in self:
            seal.display_name = self.env._(
                "Seal %(number)s of %(company)s",
                number=seal.sequence,
                company=seal.company_id.name,
            )

    def _ledger_refusal(self):
        # OVERRIDE 'ajw.consent.ledger.guard'
        return self.env._("Seals are made over the ledger and never change.")

    def _to_seal(self):
        """Return what is stored as a :class:`..ledger.seal.Seal`."""
        self.ensure_one()
        content = SealContent(
            ledger=self.ledger,
            controller=self.company_id.id,
            sequence=self.sequence,
            sealed_at=self.sealed_at,
            count=self.event_count,
            total=self.total,
            root=self.root,
            previous=self.previous_hash,
        )
        try:
            nodes = [str(node) for node in json.loads(self.tree_nodes)]
        except (TypeError, ValueError):
            nodes = []
        if json.dumps(nodes) != self.tree_nodes:
            nodes = ["was changed"]  # no digest: does not fit any root
        return Seal(content, self.seal_version, self.hash, self.tree_level, nodes)

    def _file(self):
        """Return ``(name, content)`` of the file that is mailed (str, bytes)."""
        seal = self._to_seal()
        name = f"seal-{seal.content.controller}-{seal.content.sequence}.json"
        return name, write_seal(seal)

    def _check_officer(self):
        """Let only an officer go on who may see these seals.

        :raises AccessError: otherwise
        """
        if not self.env.user.has_group("ajw_consent.group_officer"):
            raise AccessError(self.env._("Only a data protection officer handles seals."))
        self.check_access("read")

    # -- actions ---------------------------------------------------------------------------------

    def action_mail(self):
        """Put the email of these seals into the mail queue once more.

        :raises AccessError: the user is no officer of the controller
        :raises UserError: there is nobody to send it to
        """
        self._check_officer()
        # sudo: seals are written by the ledger's own code only
        self.sudo()._mail()
        without = self.filtered(lambda seal: seal.mail_state == "nobody")
        if without:
            raise UserError(without[:1].company_id._ajw_no_seal_recipient())
        return True

    def action_open_events(self):
        """Open the events that the seal covers."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.display_name,
            "res_model": "ajw.consent.event",
            "view_mode": "list,form",
            "domain": [("seal_id", "=", self.id)],
        }

    def action_verify(self):
        """Open the form that verifies the ledger of this seal's controller."""
        self.ensure_one()
        self._check_officer()
        return self.env["ajw.consent.verify"]._open(self.company_id)

    def action_seal_now(self):
        """Seal what is not sealed yet, for the controllers of the companies the user works in.

        :raises AccessError: the user is no officer
        """
        self._check_officer()
        # sudo: seals are written by the ledger's own code only
        ledger = self.sudo()
        made = ledger.browse()
        for controller in self.env.companies.ajw_consent_controller_id:
            made |= ledger.with_company(controller)._seal(controller)
        made._mail()
        if made:
            message = self.env._("%s events were sealed.", sum(made.mapped("event_count")))
        else:
            message = self.env._("Every event is sealed already.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "title": self.env._("Consent ledger"),
                "message": message,
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
