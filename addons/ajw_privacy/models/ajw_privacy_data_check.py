from odoo import api, models

from .ajw_privacy_data_map import Finding

#: Kinds of findings about files, whose message begins with the add-on.
_FILE_KINDS = frozenset({"invalid_line", "line_conflict"})


class AjwPrivacyDataMap(models.Model):
    """The self-check: what the data map does not settle."""

    _inherit = "ajw.privacy.data.map"

    @api.model
    def _self_check(self, own_only=False):
        """Find what the data map does not settle.

        :param bool own_only: only our models, and our fields on others (``ajw_*``)
        :return: list of :class:`Finding`, sorted
        """
        # sudo: the answer must not depend on who asks
        self = self.sudo()
        _rows, findings = self._whole_picture()
        findings += self._file_findings()
        if own_only:
            findings = [
                finding
                for finding in findings
                if finding.model.startswith(("ajw.", "ajw_"))
                or finding.field.startswith("ajw_")
                or (finding.kind in _FILE_KINDS and finding.message.startswith("ajw_"))
            ]
        return sorted(findings)

    def _file_findings(self):
        """Mistakes in the files of apps, each with file and line."""
        _lines, problems = self.env["ajw.privacy.data.line"]._read_files()
        return [
            Finding(problem.model, problem.field, kind, str(problem)) for kind, problem in problems
        ]
