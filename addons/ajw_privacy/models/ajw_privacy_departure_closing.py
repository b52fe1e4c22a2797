import secrets
from functools import partial

from odoo import fields, models
from odoo.tools import SQL

from ..engine import departure, departure_going
from ..engine.departure import Task

#: Logins a step.
USERS = 50
#: What a closed account's contact keeps nothing of.
_CONTACT = (
    "email", "phone", "street", "street2", "zip", "city", "website", "vat", "comment", "function",
    "ref", "barcode", "company_name", "company_registry",
)  # fmt: skip


class AjwPrivacyDeparture(models.Model):
    """Closes the accounts, and at last the company."""

    _inherit = "ajw.privacy.departure"

    def _step_close(self, known):
        """Take the company out of what stays, then close its logins, and at last the company.

        The round says which of them is next.
        """
        self._ground(known)
        self.env.invalidate_all()
        if not self.round:
            found = self._work_off(self._letting_go(known), known)
            if found is None:
                return 1
            self._step(round=1, cursor=False)
            return found
        companies = self._companies()
        if self.round == 1:
            if users := self._close_own_users(int(self.cursor or 0), known):
                self._step(cursor=str(users[-1].id))
                return len(users)
            self._release_users(companies)
            self._step(round=2, cursor=False)
            return 1
        self._close_companies(companies, known)
        # sudo: copies are deleted by these methods alone; what leaves is nowhere kept
        self.sudo().package_ids.unlink()
        self.env.flush_all()
        self.env.registry.clear_all_caches()
        self._step(phase="check", round=0, suspended_user_ids=[fields.Command.clear()])
        return 1

    def _letting_go(self, known):
        """Tasks: the company's values in what is shared, and texts in what stays as proof."""
        companies, tasks = known["companies"], []

        def add(key, table, statement):
            tasks.append(Task(key, table, statement))

        for table, name in sorted(known["models"].items()):
            for field in self.pool[name]._fields.values():
                if field.company_dependent and field.store and field.name in known["tables"][table]:
                    add(
                        f"values {table}.{field.name}",
                        table,
                        partial(departure_going.forget_key_statement, table, field.name, companies),
                    )
        # who did something and when stays, not what they wrote
        for table in sorted(departure.PROOF - {"ajw_privacy_departure"}):
            column, model = known["columns"].get(table), known["models"].get(table)
            facts = getattr(self.env.get(model), "_ajw_personal_data", None) or {}
            names = [name for name, fact in facts.items() if fact.get("erase") == "redact"]
            for name in sorted({*names} & {*known["tables"].get(table, ())} if column else ()):
                add(
                    f"texts {table}.{name}",
                    table,
                    partial(departure_going.forget_text_statement, table, name, column, companies),
                )
        release = partial(departure_going.release_files_statement, self.id, companies)
        add("files", "ir_attachment", release)
        return tasks

    # -- logins, and the company -----------------------------------------------------------------

    def _closing(self, partners, known):
        """Those of some contacts that are on the list to be emptied, and that nothing names.

        :return: res.partner
        """
        if "closing" not in known:
            # SQL: the hit list has no records anybody works with
            rows = self.env.execute_query(
                SQL(
                    "SELECT res_id FROM ajw_privacy_departure_row WHERE departure_id = %s "
                    "AND table_name = 'res_partner' AND fate = 'close'",
                    self.id,
                )
            )
            listed = partners.browse(row for [row] in rows)
            known["closing"] = listed - self._used_elsewhere(listed, known)
        return partners & known["closing"]

    def _close_own_users(self, after, known):
        """Close the next logins that work in these companies alone, for good.

        :param int after: id of the last that was closed
        :return: the logins, empty when all are closed
        """
        own = self._own_users().sorted("id")
        users = own.filtered(lambda user: user.id > after)[:USERS]
        users = users.with_context(tracking_disable=True, no_reset_password=True)
        partners = self._closing(users.partner_id, known)
        for user in users:
            user.write({"active": False, "login": f"closed-{secrets.token_hex(8)}"})
        if users:
            self.env.flush_all()
            # SQL: no field reads or empties a password
            self._run(SQL("UPDATE res_users SET password = NULL WHERE id IN %s", users._ids))
            users.write({"signature": False})
        self._empty_contacts(partners)
        return users

    def _release_users(self, companies):
        """Take the companies from logins that work for others as well."""
        # sudo: an officer need not administer users
        users = self.env["res.users"].sudo().with_context(active_test=False, tracking_disable=True)
        own = self._own_users()
        for user in users.search([("company_ids", "in", companies.ids)]) - own:
            if not user.company_ids - companies:
                # one that an app ships works for the database
                user.company_ids |= self.operator_id
        for user in users.search([("company_id", "in", companies.ids)]) - own:
            user.company_id = (user.company_ids - companies)[:1] or self.operator_id
        self.env.flush_all()
        # SQL: the rows of logins of other companies stay as they are, to the last byte
        self._run(
            SQL(
                "DELETE FROM res_company_users_rel WHERE cid IN %s AND NOT user_id = ANY(%s)",
                companies._ids,
                list(own.ids),
            )
        )
        self.env.invalidate_all()

    def _empty_contacts(self, partners):
        """Leave nothing of a contact but that somebody was there."""
        label = self.env._("Closed account")
        names = [name for name in _CONTACT if name in self.env["res.partner"]._fields]
        # archived logins do not count as using the contact
        for partner in partners.with_context(tracking_disable=True, active_test=True):
            # not the contact's own method: what is emptied here would be emptied on its parent,
            # and on the people below it
            models.Model.write(
                partner,
                {
                    **dict.fromkeys(names, False),
                    "name": f"{label} {self.subject_ref}",
                    "image_1920": False,
                    "active": False,
                },
            )

    def _close_companies(self, companies, known):
        """Archive the companies; where nothing is kept, they lose their names as well."""
        kept = self.place_ids.filtered(lambda place: place.fate == "kept")
        companies = companies.with_context(tracking_disable=True, active_test=False)
        for company in companies.sorted("id", reverse=True):  # branches first
            if not kept:
                partner = company.partner_id
                others = companies.search(
                    [("partner_id", "=", partner.id), ("id", "not in", companies.ids)]
                )
                self._empty_company(company)
                # its name is its contact's: where others use that, it stays
                if not others and self._closing(partner, known):
                    self._empty_contacts(partner)
                    label = self.env._("Company that left")
                    company.name = f"{label} {self.subject_ref}-{company.id}"
        companies.write({"active": False})
        self.env.flush_all()
        # SQL: accounting sets defaults for a company anew whenever the company is written
        self._run(
            SQL(
                "DELETE FROM ir_default t WHERE t.company_id IN %s AND NOT EXISTS ("
                "SELECT FROM ajw_privacy_departure_row h WHERE h.departure_id = %s "
                "AND h.table_name = 'ir_default' AND h.res_id = t.id AND h.fate <> 'go')",
                companies._ids,
                self.id,
            )
        )

    def _empty_company(self, company):
        """Empty the texts of a company: addresses, slogans, bank details."""
        names = [
            name
            for name, field in company._fields.items()
            if field.store and field.column_type and not field.required
            and not field.related and not field.compute
            and field.type in ("char", "text", "html", "binary")
            and name != "name" and not name.endswith("_prefix")
        ]  # fmt: skip
        company.write(dict.fromkeys(names, False))
