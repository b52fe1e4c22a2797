from typing import NamedTuple

from odoo import models


class Eraser(NamedTuple):
    """In the context, says which erasure deletes rows. No call over the network can bring it."""

    erasure_id: int


class IrAttachment(models.Model):
    """Files that an erasure lets go of leave the filestore at once, and not some day."""

    _inherit = "ir.attachment"

    def _file_delete(self, fname):
        # EXTENDS 'base': called for each file a row let go of, after the row is gone
        eraser = self.env.context.get("ajw_erasure")
        if isinstance(eraser, Eraser) and fname:
            # sudo: nobody has rights on what an erasure does
            self.env["ajw.privacy.erasure.spool"].sudo()._add(eraser.erasure_id, "file", [fname])
        return super()._file_delete(fname)
