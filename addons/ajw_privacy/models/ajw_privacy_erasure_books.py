from odoo import SUPERUSER_ID, api, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools import SQL

from ..engine import certificate_form as form
from ..engine.keeping_rows import SEALED

#: Who may have the books checked.
_CHECKER = "account.group_account_user"
#: What the check says of a chain that is whole.
_WHOLE = "verified"


class _Undo(Exception):
    """Carries an answer out of what is taken back."""


class AjwPrivacyErasure(models.Model):
    """The books: their hash chains verify after an erasure as they did before."""

    _inherit = "ajw.privacy.erasure"

    # -- chains ----------------------------------------------------------------------------------

    def _books_before(self):
        """Have the chains checked in which entries of the person are sealed; keep the result."""
        companies = self._sealed_companies()
        self._step(books={"before": self._chains(companies)} if companies else False)

    def _books_after(self):
        """Have the same chains checked again.

        :raises UserError: one of them verified before and does not any more
        """
        before = (self.books or {}).get("before")
        if before is None:
            return
        # sudo: whose books they are does not matter here
        companies = self.env["res.company"].sudo().browse(map(int, before)).exists()
        after = self._chains(companies)
        self._step(books={"before": before, "after": after})
        self._compare(before, after)

    def _compare(self, before, after):
        """Refuse to go on where a chain that verified does not verify any more.

        :raises UserError: naming the chains
        """
        broken = [
            chain
            for company, chains in before.items()
            for chain, status in chains.items()
            if status == _WHOLE and after.get(company, {}).get(chain) != _WHOLE
        ]
        if broken:
            raise UserError(
                self.env._(
                    "The books' hash chains would not verify any more: %s. Nothing of this step "
                    "was done. Have the entries checked, then resume.",
                    ", ".join(sorted(broken)),
                )
            )

    def _sealed_companies(self):
        """Companies in whose books sealed entries concern the person."""
        companies = self.env["res.company"].sudo()
        if "account.move" not in self.env or not hasattr(companies, "_check_hash_integrity"):
            return companies
        rows = self.env.execute_query(
            SQL(
                "SELECT DISTINCT m.company_id FROM account_move m "
                "WHERE m.inalterable_hash IS NOT NULL AND m.id IN ("
                "SELECT res_id FROM ajw_privacy_erasure_row "
                "WHERE erasure_id = %(erasure)s AND model_name = 'account.move' UNION "
                "SELECT l.move_id FROM ajw_privacy_erasure_row h "
                "JOIN account_move_line l ON l.id = h.res_id "
                "WHERE h.erasure_id = %(erasure)s AND h.model_name = 'account.move.line')",
                erasure=self.id,
            )
        )
        return companies.browse(row_id for [row_id] in rows)

    @api.model
    def _chains(self, companies):
        """What the app's own check says of the hash chains of some companies.

        :return: company id (as text: it is stored as JSON) → name of the chain → status
        """
        found = {}
        self.env.flush_all()
        for company in companies:
            results = self._checked(company)["results"]
            found[str(company.id)] = {
                each["journal_name"]: each["status"]
                for each in results
                if each["status"] != "no_data"
            }
        return found

    def _checked(self, company):
        """The app's own check, which only an accountant may ask for."""
        group = self.env.ref(_CHECKER)
        # sudo: the check needs an accountant, and a database may have none
        root = self.env["res.users"].sudo().browse(SUPERUSER_ID)
        checked = company.with_user(root).sudo()
        if root.has_group(_CHECKER):
            return checked._check_hash_integrity()
        try:
            with self.env.cr.savepoint():
                # the system's own user, for this one question: taken back at once
                root.with_context(tracking_disable=True).group_ids = [Command.link(group.id)]
                answer = checked._check_hash_integrity()
                raise _Undo(answer)
        except _Undo as undone:
            [answer] = undone.args
        self.env.invalidate_all()
        self.env.registry.clear_cache()
        return answer

    def _chains_of_model(self, model_name):
        """The chains as they are, where rows of the model are sealed by one; None elsewhere."""
        before = (self.books or {}).get("before")
        if not before or not any(name == model_name for name, _field in SEALED):
            return None
        return self._chains(self.env["res.company"].sudo().browse(map(int, before)).exists())

    def _check_chains(self, before):
        """Refuse a batch after which a chain does not verify any more.

        :param before: from :meth:`_chains_of_model`
        """
        if before is not None:
            self.env.invalidate_all()
            companies = self.env["res.company"].sudo().browse(map(int, before))
            self._compare(before, self._chains(companies))

    def _books_entries(self):
        """What the certificate says of the books.

        :return: tuple of :class:`~..engine.certificate_form.Books`
        """
        books = self.books or {}
        after = books.get("after", {})
        return tuple(
            form.Books(int(company), len(chains), chains == after.get(company))
            for company, chains in sorted(books.get("before", {}).items())
        )

    # -- names that documents show ---------------------------------------------------------------

    def _kept_computes(self):
        """Stored copies of the contact that a law keeps: they do not follow the pseudonym.

        :return: list of ([field], records), see ``Environment.protecting``
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT model_name, field_name, array_agg(res_id) FROM ajw_privacy_kept "
                "WHERE erasure_id = %s AND field_name IS NOT NULL AND file_id = 0 "
                "GROUP BY 1, 2",
                self.id,
            )
        )
        return [
            ([field], self.env[model_name].browse(ids))
            for model_name, field_name, ids in rows
            if model_name in self.env
            and (field := self.env[model_name]._fields.get(field_name)) is not None
            and field.compute
            and field.store
        ]
