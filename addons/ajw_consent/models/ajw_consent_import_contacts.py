import re
from collections import defaultdict

from odoo import api, models

from ..tools.address import AddressError, normalize_address

#: Columns that say who a row is about; ids come first, as they name one contact or none.
IDS = ("database_id", "contact_id")
WHO = (*IDS, "number", "email")
#: A number that is an id of PostgreSQL's type ``integer``.
_DATABASE_ID = re.compile(r"[0-9]{1,9}")


class RowError(Exception):
    """A row cannot be imported; the text is for the user."""


class AjwConsentImport(models.Model):
    """Finding whom rows are about: a consent of the wrong person is worse than none."""

    _inherit = "ajw.consent.import"

    @api.model
    def _find_contacts(self, values, keys):
        """Return ``(column, key)`` → contacts that the user may see, see :meth:`_contact_key`.

        :param list values: a dict of column → cell for each row
        :param dict keys: ``(column, cell)`` → key; is extended
        """
        wanted = {column: set() for column in WHO}
        for row in values:
            for column in WHO:
                if row.get(column):
                    key = self._contact_key(column, row[column])
                    keys[column, row[column]] = key
                    if key:
                        wanted[column].add(key)
        found = defaultdict(self.env["res.partner"].browse)
        partners = self.env["res.partner"].with_context(active_test=True)
        branches = self.env["res.company"].search([("id", "child_of", self.company_id.id)])
        here = [("company_id", "in", [False, *branches.ids])]
        ids = {
            ("database_id", key): int(key)
            for key in wanted["database_id"]
            if _DATABASE_ID.fullmatch(key)
        }
        ids.update(self._find_external_ids(wanted["contact_id"]))
        visible = partners.search([("id", "in", [*ids.values()]), *here])
        by_id = {partner.id: partner for partner in visible}
        for key, partner_id in ids.items():
            if partner_id in by_id:
                found[key] = by_id[partner_id]
        for partner in partners.search([("email_normalized", "in", [*wanted["email"]]), *here]):
            found["email", partner.email_normalized] |= partner
        for name in self.env["res.partner"]._ajw_number_fields():
            for partner in partners.search([(name, "in", [*wanted["number"]]), *here]):
                found["number", partner[name]] |= partner
        return found

    @api.model
    def _find_external_ids(self, names):
        """Return ``("contact_id", external id)`` → id of a contact."""
        parts = [name.partition(".")[::2] for name in names]
        # sudo: only the ids behind the names; the contacts are searched as the user
        data = self.env["ir.model.data"].sudo()
        rows = data.search(
            [
                ("model", "=", "res.partner"),
                ("module", "in", [module for module, _name in parts]),
                ("name", "in", [name for _module, name in parts]),
            ]
        )
        return {("contact_id", row.complete_name): row.res_id for row in rows}

    @api.model
    def _contact_key(self, column, value):
        """Return the form in which a cell is looked for; ``""`` if it is no number or address."""
        value = str(value).strip()
        if column == "database_id":
            return value
        if column == "contact_id":
            # As Odoo's own import reads it; a bare number is no id of the database.
            return value if "." in value else f"__import__.{value}"
        try:
            return normalize_address(column if column == "email" else "phone", value)
        except AddressError:
            return ""

    def _find_contact(self, row, facts):
        """Return the one contact that all that the row says about who it is fits.

        :raises RowError: nobody fits, several do, or the columns speak of different contacts
        """
        partners = self.env["res.partner"]
        for column in WHO:
            if not row.get(column):
                continue
            fitting = facts.contacts[column, facts.keys[column, row[column]]]
            if not fitting and column in IDS:
                raise RowError(
                    self.env._(
                        "No contact of yours has this id. Numbers of another system are no ids: "
                        "rename or remove the column."
                    )
                )
            # A number or email that nobody has yet may be new; one of somebody else is a mistake.
            if fitting and partners and not fitting & partners:
                raise RowError(self.env._("Id, number and email belong to different contacts."))
            partners = (partners & fitting if partners else fitting) if fitting else partners
        if not partners:
            raise RowError(
                self.env._(
                    "No contact of yours fits. Numbers need their country prefix (+91…); create "
                    "the contact first."
                )
            )
        if len(partners) > 1 and row.get("name"):
            partners = partners.filtered(lambda p: plain(p.name) == plain(row["name"])) or partners
        if len(partners) > 1:
            raise RowError(self.env._("Several contacts fit: name them by external id."))
        return partners


def plain(name):
    """Return a name in the form in which two are compared."""
    return " ".join(str(name or "").replace("_", " ").casefold().split())
