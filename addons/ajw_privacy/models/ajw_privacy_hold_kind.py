import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Domain

from ..engine import filters, guard

#: No row is further from the one that is held: a note of a change, on a message, on a document.
MAX_STEPS = 3


class AjwPrivacyHold(models.Model):
    """A hold on a document or row, or on all rows that match a filter at the moment it is asked.

    It keeps the rows, what they consist of (rows the database deletes with them, rows they are
    built on) and what hangs on them (conversation, files). A filter that cannot be read any more,
    or of which the app is gone, keeps everything of its model rather than nothing, and says so.
    """

    _inherit = "ajw.privacy.hold"

    _ajw_personal_data = {
        "model_name": {"erase": "none", "reason": "technical name of a model"},
        "res_id": {"erase": "none", "reason": "number of a row; says nothing of anybody"},
        # what it names somebody by finds their rows: until the hold ends, nobody erases them
        "domain": {"category": "free_text", "erase": "redact"},
    }

    kind = fields.Selection(
        [
            ("person", "A person or company"),
            ("record", "A document or row"),
            ("filter", "All that matches a filter"),
        ],
        "Keeps",
        required=True,
        default="person",
        help="A person: all that concerns them. A document: that one, with its lines, conversation "
        "and files. A filter: the same for every row that matches, those to come too.",
    )
    model_name = fields.Char("Model", help="Technical name of the model, for example sale.order.")
    res_id = fields.Integer(
        "Number", aggregator=None, help="The number of the document or row: its id."
    )
    domain = fields.Text(
        "Filter",
        help="Conditions such as [('state', '=', 'done')], read anew whenever something is to go. "
        "Empty: all rows of the model.",
    )
    target = fields.Char("What is held", compute="_compute_target")
    problem = fields.Text(
        "Out of order",
        compute="_compute_problem",
        help="Why the filter cannot be read any more. Until a new hold takes its place, everything "
        "of the model is held.",
    )

    _kind_complete = models.Constraint(
        "CHECK(CASE kind WHEN 'person' THEN partner_id IS NOT NULL "
        "WHEN 'record' THEN model_name IS NOT NULL AND res_id > 0 "
        "ELSE model_name IS NOT NULL END)",
        "Say what is held: a person, a document with its number, or a model with a filter.",
    )

    @api.depends("kind", "partner_id", "model_name", "res_id")
    def _compute_target(self):
        for hold in self:
            model = self.env.get(hold.model_name or "")
            label = hold.model_name if model is None else model._description
            if hold.kind == "filter":
                hold.target = self.env._("%s by a filter", label)
                continue
            if hold.kind == "person":
                row, label = hold.partner_id, ""
            else:
                row = (
                    self.env["res.partner"] if model is None else model.browse(hold.res_id).exists()
                )
            # what the reader may not open is named by its number
            name = row.display_name if row and row.has_access("read") else row.id or hold.res_id
            hold.target = f"{label} {name}".strip()

    @api.depends("kind", "model_name", "domain")
    def _compute_problem(self):
        for hold in self:
            # the same for whoever asks: it decides on what is held
            hold.problem = "\n".join(hold.with_user(SUPERUSER_ID)._target_problems())

    # -- what may be held ------------------------------------------------------------------------

    def _target_problems(self):
        """Why what the hold is about cannot be found.

        :return: list of sentences that say what to do; empty where it can
        """
        self.ensure_one()
        _ = self.env._
        if self.kind == "person" or not self.model_name:
            return []
        model = self.pool.get(self.model_name)
        if model is None or not self.env["ajw.privacy.data.map"]._own_tables([self.model_name]):
            return [
                _(
                    "There is no model “%(model)s” with rows in this database. Check the spelling, "
                    "or install the app that brings it.",
                    model=self.model_name,
                )
            ]
        return self._filter_problems() if self.kind == "filter" else []

    @api.constrains("kind", "partner_id", "model_name", "res_id", "domain")
    def _check_target(self):
        for hold in self:
            problems = hold._kind_problems() or hold._target_problems()
            if not problems and hold.kind != "person":
                problems = hold._row_problems()
            if problems:
                raise ValidationError("\n".join(problems))

    def _kind_problems(self):
        """Why the kind does not fit the rest."""
        _ = self.env._
        if self.kind == "person":
            if self.model_name or self.res_id or self.domain:
                return [_("A hold on a person names no model. Choose another kind, or empty it.")]
            return []
        if self.partner_id or (self.kind == "record" and self.domain) or (
            self.kind == "filter" and self.res_id
        ):  # fmt: skip
            return [
                _("A hold keeps one thing: a person, a document, or what matches a filter. Place "
                  "one hold for each.")
            ]  # fmt: skip
        model = self.pool.get(self.model_name or "")
        if model is not None and (model._transient or guard.is_machinery(self.model_name)):
            return [
                _(
                    "“%(model)s” holds rights, settings or proof, or nothing that lasts. No policy "
                    "and no erasure takes it away, so there is nothing to hold.",
                    model=self.model_name,
                )
            ]
        if self.kind == "record" and self.model_name == "res.partner":
            return [_("For a contact choose the kind “A person or company”.")]
        return []

    def _row_problems(self):
        """Why there is nothing to hold: asked when the hold is placed."""
        # sudo: the officer need not be able to open what is held
        model = self.env[self.model_name].sudo().with_context(active_test=False)
        if self.kind == "filter":
            try:
                with self.env.cr.savepoint():
                    model.search(Domain(filters.parse_domain(self.domain)), limit=1)
            except (ValueError, TypeError, KeyError, UserError) as error:
                return [self.env._("The filter does not fit the model: %s.", str(error))]
            except psycopg2.DataError:
                return [
                    self.env._(
                        "The filter compares a field with something it cannot hold, for example a "
                        "number with a word. Correct the filter."
                    )
                ]
            return []
        row = model.browse(self.res_id).exists()
        if not row or not row.filtered_domain(self._own_companies(model)):
            return [
                self.env._(
                    "There is no “%(model)s” with the number %(number)s in this company. Look the "
                    "number up, or choose the company it belongs to.",
                    model=model._description,
                    number=self.res_id,
                )
            ]
        return []

    def _own_companies(self, model):
        """Rows of a model that belong to the hold's controller, or to no company, as a Domain."""
        field = model._fields.get("company_id")
        if not self.company_id or not (
            field and field.store and field.comodel_name == "res.company"
        ):
            return Domain.TRUE
        # sudo: a head company and its branches are one controller, whoever asks
        root = self.company_id.sudo().root_id
        return Domain("company_id", "=", False) | Domain("company_id", "child_of", root.id)

    # -- what is held ----------------------------------------------------------------------------

    def _keeps(self):
        """What the hold keeps: what is the same for all models is worked out once.

        :return: function of a model (as superuser, archived rows too) that returns a Domain
        """
        self.ensure_one()
        if self.kind != "person":
            return self._held_by_rows
        persons = self._persons()
        wanted = self._patterns(persons)
        return lambda model: self._held_of(model, persons, wanted)

    def _named_rows(self, target):
        """The rows that the hold names itself, as a Domain on their model."""
        if self.kind == "record":
            return Domain("id", "=", self.res_id)
        rows = Domain.TRUE if self.problem else Domain(filters.parse_domain(self.domain))
        return rows & self._own_companies(target)

    def _held_by_rows(self, model, _steps=0):
        """Rows of a model that are held: named themselves, part of such rows, or hanging on them.

        :param model: as superuser, archived rows too
        :return: Domain; nothing is held when it is false
        """
        held = Domain.FALSE
        target = self.env.get(self.model_name)
        if target is not None and not target._auto:
            target = None
        if target is not None:
            target = target.sudo().with_context(active_test=False)
            rows = self._named_rows(target)
            if model._name == self.model_name:
                held |= rows
            if link := target._inherits.get(model._name):
                held |= Domain("id", "in", target._search(rows).subselect(link))
        for name, field in model._fields.items():
            if not field.store or field.inherited:
                continue
            if field.type == "many2one_reference" and field.model_field:
                # where the app is gone, what hung on its rows is left, and is held
                hung = Domain(field.model_field, "=", self.model_name)
                if target is not None:
                    hung &= Domain(name, "in", target._search(rows))
                elif self.kind == "record":
                    hung &= Domain(name, "=", self.res_id)
                held |= hung | self._held_by_message(model, name, field.model_field, _steps)
            elif field.type == "many2one" and self._is_part(model, field) and _steps < MAX_STEPS:
                whole = model.env[field.comodel_name]
                found = self._held_by_rows(whole, _steps + 1)
                if not found.is_false():
                    held |= Domain(name, "in", whole._search(found))
        return held

    def _is_part(self, model, field):
        """Whether rows of a model are part of the row a link leads to."""
        return field.comodel_name != model._name and (
            field.ondelete == "cascade" or model._inherits.get(field.comodel_name) == field.name
        )

    def _held_by_message(self, model, name, model_field, steps):
        """Files of messages that hang on a held row."""
        messages = model.env["mail.message"]
        if model._name != "ir.attachment" or steps >= MAX_STEPS:
            return Domain.FALSE
        found = self._held_by_rows(messages, steps + 1)
        return Domain(model_field, "=", "mail.message") & Domain(
            name, "in", messages._search(found)
        )
