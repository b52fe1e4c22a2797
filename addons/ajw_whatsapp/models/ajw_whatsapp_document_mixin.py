from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import SQL


class AjwWhatsappDocumentMixin(models.AbstractModel):
    """What an invoice and an order share: what each says of itself, and its state.

    A model that inherits this also has ``partner_id``, ``company_id`` and ``mail.activity.mixin``.
    """

    _name = "ajw.whatsapp.document.mixin"
    _description = "Document Sent by WhatsApp"

    ajw_whatsapp_state = fields.Selection(
        selection=lambda self: self._selection_ajw_whatsapp_state(),
        string="WhatsApp",
        compute="_compute_ajw_whatsapp_state",
        search="_search_ajw_whatsapp_state",
        groups="ajw_whatsapp.group_user",
        help="What became of the last WhatsApp message of this document.",
    )
    ajw_whatsapp_message_count = fields.Integer(
        string="WhatsApp Messages",
        compute="_compute_ajw_whatsapp_state",
        groups="ajw_whatsapp.group_user",
    )

    @api.model
    def _selection_ajw_whatsapp_state(self):
        states = self.env["ajw.whatsapp.message"]._fields["state"]._description_selection(self.env)
        return [state for state in states if state[0] != "received"]

    def _compute_ajw_whatsapp_state(self):
        # sudo: how a document fared is shown to whoever may read the document
        Message = self.env["ajw.whatsapp.message"].sudo()
        latest = {
            res_id: (Message.browse(message_id), count)
            for res_id, message_id, count in Message._read_group(
                self._ajw_whatsapp_message_domain(), ["res_id"], ["id:max", "__count"]
            )
        }
        Message.browse([message.id for message, _count in latest.values()]).fetch(["state"])
        for record in self:
            message, count = latest.get(record.id, (Message, 0))
            record.ajw_whatsapp_state = message.state
            record.ajw_whatsapp_message_count = count

    @api.model
    def _search_ajw_whatsapp_state(self, operator, value):
        if operator != "in":
            return NotImplemented
        states = [state for state in value if state]
        domain = Domain.FALSE
        if states:
            domain |= Domain("id", "in", self._ajw_whatsapp_with_state(states))
        if False in value:
            domain |= Domain("id", "not in", self._ajw_whatsapp_with_state(None))
        return domain

    def _ajw_whatsapp_with_state(self, states):
        """Return the sub-query of documents whose last message is in one of ``states``.

        :param states: message states; ``None`` for any
        """
        domain = Domain([("res_model", "=", self._name), ("direction", "=", "outbound")])
        if states:
            domain &= Domain("state", "in", states)
        # the rules of the document decide who finds it, not those of its messages
        query = self.env["ajw.whatsapp.message"]._search(domain, bypass_access=True)
        message = SQL.identifier(query.table)
        if states:
            # "the last one" cannot be said in a domain
            query.add_where(
                SQL(
                    """NOT EXISTS (
                        SELECT 1 FROM %(table)s newer
                         WHERE newer.res_model = %(message)s.res_model
                           AND newer.res_id = %(message)s.res_id
                           AND newer.direction = 'outbound'
                           AND newer.id > %(message)s.id
                    )""",
                    table=SQL.identifier(self.env["ajw.whatsapp.message"]._table),
                    message=message,
                )
            )
        return query.subselect(SQL.identifier(query.table, "res_id"))

    @api.model
    def _ajw_whatsapp_models(self):
        """Return the names of the models that can be sent by WhatsApp."""
        mixin = self.env.registry["ajw.whatsapp.document.mixin"]
        return sorted(
            name
            for name, model in self.env.registry.items()
            if issubclass(model, mixin) and not model._abstract
        )

    # -- to be said by each document ---------------------------------------------------------------

    @api.model
    def _ajw_whatsapp_purpose(self):
        """Return the purpose (``ajw.consent.purpose``) a customer must have agreed to."""
        raise NotImplementedError

    def _ajw_whatsapp_document_obstacle(self):
        """Say why this document, as it stands, is not to be sent.

        :return: a code and a sentence, or ``("", "")`` when it may be sent
        :rtype: tuple[str, str]
        """
        self.ensure_one()
        return "", ""

    def _ajw_whatsapp_document_problem(self):
        """Say why this document, as it stands, is not to be sent; empty when it may be."""
        return self._ajw_whatsapp_document_obstacle()[1]

    def _ajw_whatsapp_filename(self):
        """Return the name the customer sees on the PDF, with its extension."""
        raise NotImplementedError

    def _ajw_whatsapp_attachments(self):
        """Return the PDF of each document, rendered together.

        :return: ``{record_id: ir.attachment}``; a document that has none is left out
        """
        raise NotImplementedError

    def _ajw_whatsapp_ready_files(self):
        """Return the PDFs that can be sent as they are, without rendering or e-invoicing.

        :return: ``{record_id: ir.attachment}``
        """
        return {}

    def _ajw_whatsapp_being_sent(self):
        """Return the documents that are queued for other ways, which come first."""
        return self.browse()

    def _ajw_whatsapp_send_otherwise(self):
        """Have the other ways that these documents are queued for go on."""

    def _ajw_whatsapp_make_files(self):
        """Render the documents together, after what has to come first. May commit.

        :return: ``{record_id: ir.attachment}``, and ``{record_id: sentence}`` for what failed
        :raises Exception: rendering them together failed; alone some of them may still succeed
        """
        return self._ajw_whatsapp_attachments(), {}

    @api.model
    def _ajw_whatsapp_disposable_files(self, attachments):
        """Return those of some rendered PDFs that nobody needs when they are not sent."""
        return attachments

    def _ajw_whatsapp_is_current_file(self, attachment):
        """Tell whether a file that was queued is still the one to send for this document."""
        self.ensure_one()
        return (attachment.res_model, attachment.res_id) == (self._name, self.id)

    def _ajw_whatsapp_responsible(self):
        """Return the user who is told when the document could not be delivered."""
        self.ensure_one()
        return self.env["res.users"]

    def _ajw_whatsapp_networks(self):
        """Return the e-invoicing networks (sending methods of ``account.move.send``) that this
        customer's documents go through, and which therefore come before WhatsApp."""
        return []

    def _ajw_whatsapp_send(self, templates=None, occasions=None):
        """Queue the documents, on the way that is right for their kind.

        :param dict templates: ``{record_id: ajw.whatsapp.template}`` chosen by the user
        :param dict occasions: see :meth:`_ajw_whatsapp_queue`
        :return: see :meth:`_ajw_whatsapp_queue`
        """
        return self._ajw_whatsapp_queue(templates, occasions)

    def _ajw_whatsapp_message_domain(self):
        return [
            ("res_model", "=", self._name),
            ("res_id", "in", self.ids),
            ("direction", "=", "outbound"),
        ]

    # -- actions -----------------------------------------------------------------------------------

    def _ajw_whatsapp_check_user(self, operation):
        """Let only WhatsApp users who may do ``operation`` on the documents go on.

        :raises AccessError: a portal user, for one, may read a document but not send it
        """
        if not self.env.user.has_group("ajw_whatsapp.group_user"):
            raise AccessError(
                self.env._("Only WhatsApp users can do this. Ask your administrator for access.")
            )
        self.check_access(operation)

    def action_ajw_whatsapp_compose(self):
        """Open the composer for one document."""
        self._ajw_whatsapp_check_user("write")
        self.ensure_one()
        if problem := self._ajw_whatsapp_document_problem():
            raise UserError(problem)
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send via WhatsApp"),
            "res_model": "ajw.whatsapp.composer",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_res_model": self._name,
                "default_res_id": self.id,
                "default_sent_before": self._ajw_whatsapp_sent_before()[self.id],
            },
        }

    def action_ajw_whatsapp_messages(self):
        """Open the messages of the documents."""
        self._ajw_whatsapp_check_user("read")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("WhatsApp Messages"),
            "res_model": "ajw.whatsapp.message",
            "view_mode": "list,form",
            "domain": self._ajw_whatsapp_message_domain(),
            "context": {"create": False},
        }
