from odoo import api, models

from ..cloud_api import errors
from . import error_texts


class AjwWhatsappError(models.AbstractModel):
    """Says in the user's language what an error of Meta's means and what to do about it."""

    _name = "ajw.whatsapp.error"
    _description = "WhatsApp Error Texts"

    @api.model
    def _sentence(self, error):
        """Return one text for a person who just pressed a button.

        :param CloudApiError error: what Meta answered
        """
        parts = [self._hint(error.code, error.error_class, error.subcode)]
        said = self._said(error)
        if said:
            parts.append(self.env._("Meta says: %s", said))
        if error.fbtrace_id:
            parts.append(self.env._("Trace for Meta's support: %s", error.fbtrace_id))
        return "\n".join(parts)

    @api.model
    def _said(self, error):
        """Return Meta's own words with the code."""
        words = error.details or error.message or error.title or ""
        return (
            f"({error.code}) {words}"
            if error.code is not None
            else (f"HTTP {error.http_status} {words}".strip())
        )

    @api.model
    def _hint(self, code, error_class=None, subcode=None):
        """Return what an error means and what to do, as one text; see :meth:`_advice`."""
        advice = self._advice(code, error_class, subcode)
        return f"{advice['sentence']} {advice['todo']}"

    @api.model
    def _advice(self, code, error_class=None, subcode=None):
        """Return what an error means, what to do about it, and where.

        :param int code: Meta's code or ``None``
        :param str error_class: class of the error; looked up when not given
        :param int subcode: Meta's subcode or ``None``
        :return: ``sentence``, ``todo`` and ``where``: an ``https`` address at Meta; ``contact``,
            ``template``, ``account`` or ``document`` for the form of that record; ``False`` when
            there is nothing to be done
        :rtype: dict
        """
        if code == 190 and subcode == errors.TOKEN_EXPIRED_SUBCODE:
            advice = error_texts.EXPIRED_TOKEN
        else:
            advice = (
                error_texts.BY_CODE.get(code)
                or (error_texts.BY_CLASS[error_class or errors.classify(code)])
            )
        return {
            "sentence": self.env._(advice.sentence),
            "todo": self.env._(advice.todo),
            "where": advice.where or False,
        }
