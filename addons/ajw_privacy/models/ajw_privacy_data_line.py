from pathlib import Path

from odoo import api, fields, models
from odoo.modules import Manifest

from ..engine import mapfile, vocabulary

#: Whose lines give way to those of the add-on that brings the field.
OURS = "ajw_privacy"


class AjwPrivacyDataLine(models.Model):
    """Classification of a field that an app ships in a file: see ``engine/mapfile.py``.

    Model and field are text, so that one file covers apps that may not be installed. The rows are
    what the files of the installed apps say; nothing but :meth:`_load_files` writes them.
    """

    _name = "ajw.privacy.data.line"
    _description = "Shipped classification"
    _inherit = "ajw.privacy.classification"

    module = fields.Char("Shipped by", index=True, help="The app whose file says it.")
    file = fields.Char(help="Name of the file in the app's folder privacy_map.")
    role = fields.Char(
        help="What the row is to the person the field leads to, where custom does not tell."
    )
    duty = fields.Char("Duty to keep", help="Codes of the duties that ask for keeping the field.")
    age = fields.Selection(
        list(vocabulary.AGES), "By age", help="What a retention policy may do when the row is old."
    )

    _field_uniq = models.UniqueIndex(
        "(model_name, field_name)", "This field already has a shipped classification."
    )

    def _entry(self):
        # EXTENDS the base of classifications
        return (
            super()
            ._entry()
            ._replace(role=self.role or "", duty=self.duty or "", age=self.age or "")
        )

    def _is_justified(self):
        # EXTENDS the base of classifications: a law that is named by its code
        return super()._is_justified() or (self.erase == "keep" and bool(self.duty))

    # -- files -----------------------------------------------------------------------------------

    @api.model
    def _map_folders(self):
        """Folders with files of loaded apps: list of (name of the app, path), base apps first."""
        depths = {}

        def depth(name):
            if name not in depths:
                depths[name] = 0  # a circle ends here
                manifest = Manifest.for_addon(name, display_warning=False)
                depends = manifest["depends"] if manifest else ()
                depths[name] = 1 + max(map(depth, depends), default=-1)
            return depths[name]

        found = []
        for name in sorted(self.pool._init_modules, key=lambda name: (depth(name), name)):
            manifest = Manifest.for_addon(name, display_warning=False)
            folder = manifest and Path(manifest.path, mapfile.FOLDER)
            if folder and folder.is_dir():
                found.append((name, folder))
        return found

    @api.model
    def _read_files(self):
        """What the files of loaded apps say.

        :return: (``{(model, field): (app, mapfile.Line)}``, list of (kind of finding,
            mapfile.Problem with the app before the name of the file))
        """
        sources, problems = [], []
        for module, folder in self._map_folders():
            lines, mistakes = mapfile.read_folder(folder)
            sources.append(mapfile.Source(module, lines))
            problems += [
                ("invalid_line", problem._replace(file=f"{module}/{mapfile.FOLDER}/{problem.file}"))
                for problem in mistakes
            ]
        found, conflicts = mapfile.combine(sources, OURS)
        return found, problems + [("line_conflict", problem) for problem in conflicts]

    @api.model
    def _load_files(self):
        """Make the rows what the files say: read once, compared once, written in bulk."""
        found, _problems = self._read_files()
        stale = self.browse()
        for line in self.search([]):
            values = self._values_of(*found.pop((line.model_name, line.field_name), (None, None)))
            if not values:
                stale += line
                continue
            changed = {name: value for name, value in values.items() if line[name] != value}
            if changed:
                line.with_context(install_mode=True).write(changed)
        records = self.with_context(install_mode=True)  # the map is drawn once, after this
        records.browse(stale.ids).unlink()
        records.create(
            [
                {"model_name": model, "field_name": name, **self._values_of(*said)}
                for (model, name), said in found.items()
            ]
        )

    def _values_of(self, module, line):
        """Values of the row for a line, ``{}`` for none."""
        if line is None:
            return {}
        entry = mapfile.entry(line)
        return {
            "category": entry.category or False,
            "erase": entry.erase,
            "reason": entry.reason or False,
            "role": entry.role or False,
            "duty": entry.duty or False,
            "age": entry.age or False,
            "module": module,
            "file": line.file,
        }
