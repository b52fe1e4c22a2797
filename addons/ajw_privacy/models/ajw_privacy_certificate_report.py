from odoo import models
from odoo.tools.misc import format_date

from ..engine import certificate as certificates
from ..engine.file_reading import kinds, limits
from ..engine.keeping import NO_END


class AjwPrivacyCertificate(models.Model):
    """The certificate on paper: what its sealed content says, in words, and how to check it."""

    _inherit = "ajw.privacy.certificate"

    def _get_report_base_filename(self):
        self.ensure_one()
        return self.env._(
            "Certificate of erasure %(number)s %(reference)s",
            number=self.number,
            reference=self.subject_ref,
        )

    def _report_lang(self):
        """The language it is printed in: that of the controller."""
        # sudo: the contact of a company may be out of an officer's reach
        return self.company_id.sudo().partner_id.lang or self.env.lang or "en_US"

    def _report_facts(self):
        """What stands on paper. Everything is taken from the sealed content, nothing from the row.

        :return: dict for the template; without ``document`` where the content cannot be read
        """
        self.ensure_one()
        facts = {"problems": self._problems()}
        try:
            document, digest, mac = certificates.read((self.content or "").encode())
        except ValueError:
            return facts
        if any("field" in problem or "form" in problem for problem in facts["problems"]):
            # what has not the form of a certificate cannot be told in words
            return facts
        scan = document["scan"]
        return facts | {
            "document": document,
            "hash": digest,
            "key": mac.partition(":")[0],
            "verdict": dict(self._fields["verdict"]._description_selection(self.env)).get(
                document["verdict"]
            ),
            "requested_by": self._report_user(document["requested_by"]),
            "approved_by": self._report_user(document["approved_by"]),
            "places": self._report_places(document["places"]),
            "kept": self._report_kept(document["kept"]),
            "unattributed": self._report_unattributed(document["unattributed"]),
            "residue": scan["residue"],
            "kinds": self._report_counts(scan.get("kinds", ()), "kind", self._kind_labels()),
            "unread": self._report_counts(scan.get("unread", ()), "reason", self._unread_labels()),
        }

    def _report_user(self, user_id):
        """Who, for a reader: name and id of an officer."""
        if not user_id:
            return self.env._("nobody had to")
        # sudo: who asked and who approved is part of the certificate
        user = self.env["res.users"].sudo().with_context(active_test=False).browse(user_id)
        name = user.exists().name
        return f"{name} ({user_id})" if name else str(user_id)

    def _report_model(self, model_name):
        """What a model is called; its technical name where it is not installed any more."""
        # sudo: names of models are no secret of anybody
        label = self.env["ir.model"].sudo()._get(model_name).name
        return f"{label} ({model_name})" if label else model_name

    def _report_places(self, places):
        """One line a model: (label, fields, counts by action)."""
        found = {}
        for place in places:
            line = found.setdefault(place["model"], [set(), {}])
            if place["field"]:
                line[0].add(place["field"])
            line[1][place["action"]] = line[1].get(place["action"], 0) + place["rows"]
        return sorted(
            (self._report_model(name), len(fields_), counts)
            for name, (fields_, counts) in found.items()
        )

    def _report_kept(self, kept):
        """One line a model, law and end: (label, rows, law, until or why there is no end)."""
        ends = self._no_end_labels()
        found = {}
        for each in kept:
            key = each["model"], each["article"], each["until"] or "", each["reason"]
            found[key] = max(found.get(key, 0), each["rows"])
        return sorted(
            (
                self._report_model(name),
                rows,
                article,
                format_date(self.env, until) if until else ends.get(reason, reason),
            )
            for (name, article, until, reason), rows in found.items()
        )

    def _report_unattributed(self, unattributed):
        """One line a model: (label, rows)."""
        found = {}
        for each in unattributed:
            found[each["model"]] = max(found.get(each["model"], 0), each["rows"])
        return sorted((self._report_model(name), rows) for name, rows in found.items())

    def _report_counts(self, counts, key, labels):
        return [(labels.get(each[key], each[key]), each["files"]) for each in counts]

    # -- words -----------------------------------------------------------------------------------

    def _no_end_labels(self):
        """Why something is kept without a date, by code."""
        _ = self.env._
        labels = {
            "proceedings": _("Proceedings are pending, or a request is open."),
            "document": _("The date of the document is not known."),
            "year_end": _("The end of the company's fiscal year is not known."),
            "processing": _("The date of the last processing is not known."),
            "employment": _("The end of employment is not known."),
            "country": _("The company has no country, so nobody can say which law counts."),
            "no_rule": _("No rule says until when."),
            "hold": _("A legal hold is in force."),
        }
        return dict(NO_END) | labels

    def _kind_labels(self):
        """Kinds of files, by code of :data:`~..engine.file_reading.kinds.KINDS`."""
        _ = self.env._
        return {
            kinds.PDF: _("PDF"),
            kinds.OFFICE: _("Office documents"),
            kinds.ARCHIVE: _("Archives"),
            kinds.PACKED: _("Packed files"),
            kinds.MAIL: _("Emails"),
            kinds.RTF: _("Rich text"),
            kinds.XML: _("XML"),
            kinds.TEXT: _("Plain text"),
            kinds.OLE: _("Old office documents"),
            kinds.IMAGE: _("Pictures"),
            kinds.OTHER: _("Other"),
        }

    def _unread_labels(self):
        """Why a file was not looked into, or not wholly, by code."""
        _ = self.env._
        return {
            limits.ENCRYPTED: _("It is encrypted."),
            limits.BROKEN: _("It is damaged."),
            limits.TOO_LARGE: _("It is too large, or holds too much."),
            limits.TOO_SLOW: _("Reading it took too long."),
            limits.PICTURE: _("It is a picture: what its pixels show is not read."),
            limits.FORMAT: _("Its format is not known."),
            limits.MISSING: _("It is not in the filestore."),
            limits.BUDGET: _("There are more files than may be looked into."),
            limits.NO_READER: _("The program that reads files could not run."),
        }
