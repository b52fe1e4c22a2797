from odoo import models


class AjwWhatsappAccount(models.Model):
    """Limits that Meta changes on its own: a webhook tells.

    Source: Meta, webhook references ``business_capability_update`` and
    ``phone_number_quality_update``.
    """

    _inherit = "ajw.whatsapp.account"

    def _note_meta_change(self, field, value, at):
        # EXTENDS this model
        handled = super()._note_meta_change(field, value, at)
        if field not in ("business_capability_update", "phone_number_quality_update"):
            return handled
        if not isinstance(value, dict):
            return handled
        upgraded = value.get("event") == "THROUGHPUT_UPGRADE"
        names = ["max_daily_conversations_per_business", "max_daily_conversation_per_phone"]
        if not upgraded:
            names.append("current_limit")  # with an upgrade it speaks of the throughput
        tiers = [tier for name in names if (tier := _tier(value.get(name)))]
        if tiers:
            self._note_tier(tiers[0])
        if upgraded and self._is_this_number(value.get("display_phone_number")):
            self._note_limits({"throughput": {"level": "HIGH"}})
        return bool(handled or tiers or upgraded)

    def _is_this_number(self, number):
        """Tell whether Meta speaks of this account's number, or of none in particular."""
        theirs, ours = _digits(number), _digits(self.display_phone_number)
        return not theirs or not ours or theirs == ours


def _tier(value):
    """Return a limit as Meta's word for it: it is told as a word, or as a figure with -1 for none.

    :rtype: str | None
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return f"TIER_{value}" if value > 0 else "TIER_UNLIMITED" if value == -1 else None
    return value if isinstance(value, str) and value.startswith("TIER_") else None


def _digits(value):
    return "".join(character for character in str(value or "") if character.isdigit())
