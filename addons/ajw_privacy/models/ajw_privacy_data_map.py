import logging
from typing import NamedTuple

from odoo import api, fields, models

from ..engine import classify, vocabulary

_logger = logging.getLogger(__name__)

#: Where a classification comes from, strongest first.
SOURCES = [
    ("override", "Own classification"),
    ("declaration", "Declared by the app"),
    ("line", "Shipped with Privacy Desk"),
    ("rule", "General rule"),
    ("none", "Unclassified"),
]


class Finding(NamedTuple):
    """Something the self-check asks a person to settle.

    :param model: name of the model
    :param field: name of the field, ``""`` for the model as a whole
    :param kind: unclassified, invalid_declaration, unknown_field or override_ignored
    :param message: technical sentence in English, for tests and the command line
    """

    model: str
    field: str
    kind: str
    message: str


class AjwPrivacyDataMap(models.Model):
    """Every field that holds, or may hold, personal data, and what erasing means there.

    The rows are a picture of the registry, the declarations, the shipped lines and the officer's
    overrides. Nothing but :meth:`_refresh` writes them; rules are decided by :meth:`_entries`,
    which always reads the sources themselves.
    """

    _name = "ajw.privacy.data.map"
    _description = "Data map"
    _order = "state desc, level desc, model_name, field_name"
    _log_access = False

    model_name = fields.Char("Model", required=True, readonly=True, index=True)
    field_name = fields.Char("Field", required=True, readonly=True)
    model_label = fields.Char("Document", readonly=True)
    field_label = fields.Char("Label", readonly=True)
    app = fields.Char(readonly=True, help="The app that brings the field.")
    field_type = fields.Char("Type", readonly=True)
    target = fields.Char("Points to", readonly=True)
    category = fields.Selection(
        list(vocabulary.CATEGORIES),
        readonly=True,
        help="What kind of personal data the field holds; for an unclassified field, our guess.",
    )
    erase = fields.Selection(list(vocabulary.ERASURES), "On erasure", readonly=True)
    reason = fields.Char(readonly=True)
    law = fields.Char("Legal basis", readonly=True)
    source = fields.Selection(SOURCES, "Classified by", required=True, readonly=True)
    level = fields.Selection(
        [
            ("link", "Points to a person"),
            ("personal", "Named like personal data"),
            ("content", "May hold anything"),
            ("sampled", "Holds what looks personal"),
            ("declared", "Declared only"),
        ],
        "Found because",
        required=True,
        readonly=True,
    )
    state = fields.Selection(
        [("classified", "Classified"), ("open", "To classify")], required=True, readonly=True
    )
    is_transient = fields.Boolean(
        "Short-lived", readonly=True, help="Rows of a wizard, deleted by Odoo after a while."
    )
    is_copy = fields.Boolean(
        "Copy", readonly=True, help="Computed from other fields: it follows what they hold."
    )

    _field_uniq = models.UniqueIndex("(model_name, field_name)")

    @api.depends("model_name", "field_name", "field_label")
    @api.depends_context("ajw_short_name")
    def _compute_display_name(self):
        short = self.env.context.get("ajw_short_name")
        for row in self:
            if short:
                row.display_name = f"{row.field_label} ({row.field_name})"
            else:
                row.display_name = f"{row.model_name}.{row.field_name}"

    def _register_hook(self):
        """Draw the map anew whenever apps were installed or updated."""
        super()._register_hook()
        if self.pool.updated_modules:
            try:
                with self.env.cr.savepoint():
                    self._read_again()
            except Exception:  # noqa: BLE001 - a map that cannot be drawn must not stop Odoo
                _logger.exception("The data map could not be refreshed")

    # -- actions ---------------------------------------------------------------------------------

    def action_classify(self):
        """Open the officer's own classification of this field, new or existing."""
        self.ensure_one()
        override = self.env["ajw.privacy.data.override"].search(
            [("model_name", "=", self.model_name), ("field_name", "=", self.field_name)]
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Classify"),
            "res_model": override._name,
            "res_id": override.id,
            "view_mode": "form",
            "target": "new",
            "context": {
                "default_model_name": self.model_name,
                "default_field_name": self.field_name,
                "default_category": self.category,
                "default_erase": self.erase,
                "default_reason": self.reason,
                "default_law": self.law,
            },
        }

    def action_refresh(self):
        """Read the registry again, on request of an officer."""
        self.check_access("read")
        self._read_again()
        count = self.search_count([("state", "=", "open")])
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "warning" if count else "success",
                "message": (
                    self.env._("%(count)s fields are to be classified.", count=count)
                    if count
                    else self.env._("Every field is classified.")
                ),
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    @api.model
    def _cron_refresh(self):
        """Daily: fields and files added without an update show up the same day."""
        self._read_again()

    def _read_again(self):
        """Read the files of all apps, and draw the map from what they say now."""
        # sudo: both are written by this method alone; whoever calls it was checked before
        self.env["ajw.privacy.data.line"].sudo()._load_files()
        self._refresh()

    # -- the map ---------------------------------------------------------------------------------

    def _picture(self, model_names=None):
        """Compute the map from its sources.

        :param list model_names: models to look at; all when None
        :return: (``{(model, field): values}``, list of :class:`Finding`)
        """
        overrides, lines = self._recorded_entries(model_names)
        rows, findings = {}, []
        names = list(self.pool) if model_names is None else model_names
        for model_name in self._own_tables(names):
            model_class = self.pool[model_name]
            merged, problems = self._merge(model_name, overrides, lines)
            findings += [
                Finding(model_name, name, "invalid_declaration", "; ".join(texts))
                for name, texts in problems.items()
            ]
            findings += [
                Finding(
                    model_name,
                    name,
                    "override_ignored",
                    f"own classification {entry.erase} is looser than declared "
                    f"{merged[name][0].erase}",
                )
                for name, entry in overrides.get(model_name, {}).items()
                if name in merged and merged[name][1] != "override"
            ]
            suspicions = classify.suspect_model(
                self._facts(model_class),
                {name for name, (entry, _source) in merged.items() if entry.erase == "none"},
            )
            for name in {**suspicions, **merged}:
                field = model_class._fields.get(name)
                entry, source = merged.get(name, (None, "none"))
                if field is None:
                    if source != "line":  # a shipped line may wait for an app that adds the field
                        findings.append(Finding(model_name, name, "unknown_field", "no such field"))
                    continue
                if not field.store or field.inherited or source == "rule":
                    continue
                suspicion = suspicions.get(name)
                if entry is None and self._is_vacuumed(model_class):
                    source = "rule"
                    entry = vocabulary.Entry(
                        suspicion.category, "delete", "rows of a wizard are deleted by Odoo"
                    )
                if entry is None:
                    findings.append(
                        Finding(
                            model_name,
                            name,
                            "unclassified",
                            self._sentence(suspicion),
                        )
                    )
                rows[model_name, name] = self._row(model_class, field, entry, source, suspicion)
        return rows, findings

    def _row(self, model_class, field, entry, source, suspicion):
        return {
            "model_label": model_class._description or model_class._name,
            "field_label": field.string or field.name,
            "app": field._module or model_class._original_module or False,
            "field_type": field.type,
            "target": field.comodel_name if field.relational else False,
            "category": (entry.category if entry else suspicion.category) or False,
            "erase": entry.erase if entry else False,
            "reason": entry and entry.reason or False,
            "law": entry and entry.law or False,
            "source": source,
            "level": suspicion.level if suspicion else "declared",
            "clue": suspicion.why if suspicion else False,
            "state": "classified" if entry else "open",
            "is_transient": bool(model_class._transient),
            "is_copy": bool(field.compute and field.readonly),
            "is_unknown": False,
            **self._no_sample(),
        }

    @api.model
    def _refresh(self, model_names=None):
        """Write the picture into the table, touching only rows that changed.

        :param list model_names: models to refresh; all when None
        """
        # sudo: the rows are written by this method alone; whoever calls it was checked before
        self = self.sudo()
        rows, _findings = self._whole_picture(model_names)
        domain = [("model_name", "in", model_names)] if model_names is not None else []
        stale = self.browse()
        known = self.search(domain)
        for record in known:
            values = rows.pop((record.model_name, record.field_name), None)
            if values is None:
                stale += record
                continue
            changed = {name: value for name, value in values.items() if record[name] != value}
            if changed:
                record.write(changed)
        stale.unlink()
        self.create(
            [
                {"model_name": model, "field_name": name, **values}
                for (model, name), values in rows.items()
            ]
        )
