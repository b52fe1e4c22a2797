from odoo import models
from odoo.exceptions import UserError
from odoo.fields import Domain

from odoo.addons.ajw_consent.models.ajw_consent_suppression import Refusal

from .ir_attachment import Eraser

#: Channel of a suppression by the list an address was blocked on.
_CHANNELS = {
    "mail.blacklist": ("email", ("email",)),
    "phone.blacklist": ("number", ("sms", "phone")),
}


class AjwPrivacyErasure(models.Model):
    """Rows and files that go: as their model deletes them, with what hangs on them."""

    _inherit = "ajw.privacy.erasure"

    def _to_delete(self, model_name):
        """A model, from which rows are deleted for this erasure."""
        # sudo: nobody has rights on everything
        return self.env[model_name].sudo().with_context(
            active_test=False, tracking_disable=True, ajw_erasure=Eraser(self.id)
        )  # fmt: skip

    def _do_delete(self, model_name, ids):
        """Delete rows as their model does, with the files and links that hang on them."""
        records = self._to_delete(model_name).browse(ids).exists()
        if model_name in _CHANNELS:
            self._suppress(records)
        getattr(records, "_ajw_erase", records.unlink)()
        self.env.flush_all()
        if records.exists():
            # an audit trail lets go of nothing, and says nothing of it
            raise UserError(self.env._("The app keeps the row."))
        return len(ids)

    def _do_file(self, model_name, field_name, ids):
        # res_field is asked for, or Odoo leaves such files out
        files = self._to_delete("ir.attachment").search(
            Domain("res_model", "=", model_name)
            & Domain("res_field", "=", field_name)
            & Domain("res_id", "in", list(ids))
        )  # fmt: skip
        files.unlink()
        self.env.flush_all()
        if files.exists():
            raise UserError(self.env._("The app keeps the file."))
        return len(ids)

    def _suppress(self, records):
        """Keep the no of a blocked address as a keyed digest, which names nobody."""
        column, channels = _CHANNELS[records._name]
        self.env["ajw.consent.suppression"]._keep(
            Refusal(self.company_id.root_id, channel, record[column], "", "manual",
                    (record.create_date or self._now()).replace(microsecond=0))
            for record in records
            if record.active
            for channel in channels
        )  # fmt: skip
