"""The contacts that were chosen in a list before a form was opened."""

from odoo.fields import Command


def with_chosen_contacts(form, fields_list, values):
    """Complete the defaults of a form by the contacts chosen in the list it was opened from.

    :param form: model with ``partner_ids``
    :param fields_list: see ``default_get``
    :param dict values: defaults so far
    :rtype: dict
    """
    context = form.env.context
    if (
        "partner_ids" in fields_list
        and not values.get("partner_ids")
        and context.get("active_model") == "res.partner"
    ):
        values["partner_ids"] = [Command.set(context.get("active_ids") or [])]
    return values
