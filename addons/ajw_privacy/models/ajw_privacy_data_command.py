from odoo import api, models

from ..engine import classify, sampling, skeleton


class AjwPrivacyDataMap(models.Model):
    """The self-check as the command line and other programs ask for it."""

    _inherit = "ajw.privacy.data.map"

    @api.model
    def _check_command(self, sample=sampling.ENDS, app=None, own_only=False):
        """Check the whole database anew.

        :param int sample: how many rows are looked at from either end of a table; 0 for no look at
            contents
        :param str app: only what this app brings
        :param bool own_only: only what is ours, as in :meth:`_self_check`
        :return: (open rows of the map, sentences on mistakes in files and declarations)
        """
        # sudo: the command is the administrator's of the server
        self = self.sudo()
        self._read_again()
        if sample:
            self.with_context(ajw_sample=sample)._check_content(None, None)
        findings = self._self_check(own_only=own_only)
        keys = {
            (finding.model, finding.field) for finding in findings if finding.kind == "unclassified"
        }
        rows = self.search([("state", "=", "open")], order="app, model_name, field_name").filtered(
            lambda row: (row.model_name, row.field_name) in keys and (not app or row.app == app)
        )
        sentences = [
            f"{finding.kind}: {finding.model}.{finding.field}: {finding.message}"
            for finding in findings
            if finding.kind != "unclassified"
        ]
        return rows, [] if app else sentences

    def _proposal(self):
        """The line that an app may write for the field: :class:`~..engine.mapfile.Line`."""
        self.ensure_one()
        model_class = self.pool.get(self.model_name)
        field = model_class._fields.get(self.field_name) if model_class is not None else None
        required, pair = bool(field and field.required), ""
        if self.clue == "pair":
            facts = self._facts(model_class)
            mine = next(each for each in facts if each.name == self.field_name)
            pair = classify.pair_of(mine, facts)
        type_ = field.type if field is not None else ""
        return skeleton.propose(
            self.model_name, self.field_name, self.category, type_, required, pair
        )
