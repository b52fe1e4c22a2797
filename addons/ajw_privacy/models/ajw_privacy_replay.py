from typing import NamedTuple

from odoo import api, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..engine import register, register_rows
from .ajw_privacy_erasure import RUNNING

#: Nothing is left to do.
FINISHED = ("kept", "done")


class Outcome(NamedTuple):
    """What became of one contact.

    :param code: ``erased``, ``known`` (was done before), ``doubtful``, ``refused``, ``failed``,
        ``elsewhere`` (somebody else does it), ``found`` (only looked)
    :param contact: database id
    :param entry: what the register says
    :param text: in words; names nobody
    """

    code: str
    contact: int
    entry: dict
    text: str


class _NotNow(Exception):
    """Something stands against it; what was begun is undone."""


class AjwPrivacyReplay(models.AbstractModel):
    """After a backup was restored: erase again whom the register says was erased since.

    A person is found by their own row, or where two things of different kinds agree; a shared
    telephone alone is for an officer to look at. Done twice, it does nothing more.
    """

    _name = "ajw.privacy.replay"
    _description = "Erasures done again"

    @api.model
    def _read(self, data, copied=False):
        """The entries of a register, checked.

        :param bytes data: the file
        :param copied: whether this database may have another identifier than the register's
        :return: list of dict
        :raises UserError: with what to do; nothing was done
        """
        _ = self.env._
        ring = self.env["ajw.privacy.register"]._keyring()
        try:
            head, entries = register.read_file(data, ring)
        except register.RegisterError as error:
            raise UserError(
                {
                    "form": _(
                        "This is no register of erasures. Give the file that ajw_privacy_register "
                        "wrote, or the one that was mailed."
                    ),
                    "key": _(
                        "The register was made with other keys (%s) than those of this system. Put "
                        "the keys of the live system into AJW_KEYS or [ajw_keys], then try again. "
                        "Nothing was done.",
                        error.detail,
                    ),
                    "altered": _(
                        "The register was changed or cut off after it was written. Take another "
                        "copy of it. Nothing was done."
                    ),
                }[error.code]
            ) from error
        # sudo: asks only which database it is
        here = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        if head["database"] != here and not copied:
            raise UserError(
                _(
                    "The register is of another database. If this one was restored as a copy of "
                    "it, say so with --copied. Nothing was done."
                )
            )
        return entries

    @api.model
    def _find(self, entries, progress=lambda _count: None):
        """The contacts that the entries are about.

        :param progress: called with the number of contacts looked at
        :return: (sure, doubtful): lists of :class:`~..engine.register.Match`
        """
        self.env.flush_all()  # contacts are read below the ORM
        finder = register.Finder(entries, self.env["ajw.privacy.register"]._keyring())
        columns = [
            name
            for name, field in self.env["res.partner"]._fields.items()
            if field.store and field.column_type and not field.company_dependent
        ]
        matches, count = [], 0
        for batch in register_rows.batches(self.env.execute_query, columns):
            matches += finder.find(batch)
            count += len(batch)
            progress(count)
        return register.sort_out(matches)

    @api.model
    def _replay(self, data, check=False, copied=False, commit=lambda: None, say=lambda _text: None):
        """Erase again whom the register names.

        :param bytes data: the file
        :param check: only say what would be done
        :param copied: see :meth:`_read`
        :param commit: called after each step
        :param say: called with each outcome in words
        :return: list of :class:`Outcome`
        :raises UserError: the register cannot be used; nothing was done
        """
        entries = self._read(data, copied)
        sure, doubtful = self._find(entries)
        outcomes, done = [], self._done_here()
        for match in (*sure, *doubtful):
            outcome = self._one(match, entries[match.entry], done, check, commit)
            outcomes.append(outcome)
            say(outcome.text)
        return outcomes

    def _one(self, match, entry, done, check, commit):
        """Erase one contact again, as far as it gets.

        :rtype: Outcome
        """
        _ = self.env._
        words = {"contact": match.contact, "erasure": entry_name(entry)}
        known, doubt = self._judge(match, entry, done)
        if known:
            return Outcome(
                "known", match.contact, entry,
                _("Contact %(contact)s: %(erasure)s is done here, nothing to do.", **words),
            )  # fmt: skip
        if doubt:
            return Outcome(
                "doubtful", match.contact, entry,
                _("Contact %(contact)s: left alone. %(why)s Look at it, and make an erasure if it "
                  "is to go, as in %(erasure)s.", why=doubt, **words),
            )  # fmt: skip
        if check:
            return Outcome(
                "found", match.contact, entry,
                _("Contact %(contact)s: would be erased again, as in %(erasure)s.", **words),
            )  # fmt: skip
        try:
            with self.env.cr.savepoint():
                erasure = self._begin(match, entry)
        except (_NotNow, UserError) as error:
            self.env.invalidate_all()
            return Outcome(
                "refused", match.contact, entry,
                _("Contact %(contact)s: not erased again, as in %(erasure)s. %(why)s",
                  why=str(error), **words),
            )  # fmt: skip
        commit()
        self._run(erasure, entry, commit)
        words["again"] = erasure.name
        if erasure.state in FINISHED:
            text = _(
                "Contact %(contact)s: erased again as %(again)s, as approved with %(erasure)s.",
                **words,
            )
            if erasure.state == "kept":
                text = f"{text} {_('Something is kept by law: see there.')}"
            return Outcome("erased", match.contact, entry, text)
        if erasure.state in RUNNING:
            return Outcome(
                "elsewhere", match.contact, entry,
                _("Contact %(contact)s: %(again)s is under way in the background.", **words),
            )  # fmt: skip
        return Outcome(
            "failed", match.contact, entry,
            _("Contact %(contact)s: %(again)s stopped. %(why)s", why=erasure.error or "", **words),
        )  # fmt: skip

    def _begin(self, match, entry):
        """The erasure that repeats an entry: the one begun before, or a new one.

        :raises _NotNow: with what stands against it
        """
        partner = self.env["res.partner"].browse(match.contact)
        erasures = self.env["ajw.privacy.erasure"]
        open_ones = erasures.search(
            Domain("partner_id", "=", partner.id)
            & Domain("state", "not in", (*FINISHED, "refused", "cancelled"))
        )
        if begun := open_ones.filtered(lambda one: one.replay_of == entry["subject"])[:1]:
            if begun.state == "failed":
                begun.action_resume()
            return begun
        if running := open_ones.filtered("approved_at")[:1]:
            return running
        company = self.env["res.company"].browse(entry["controller"]).exists()
        if not company:
            raise _NotNow(
                self.env._("Its controller (company %s) is not in this database.",
                           entry["controller"])
            )  # fmt: skip
        # plans made before the backup: the approved erasure takes their place
        for erasure in open_ones:
            erasure._step(state="draft")
            erasure.action_cancel()
        erasure = erasures.create({"partner_id": partner.id, "company_id": company.id})
        erasure._step(replay_of=entry["subject"], replay_certificate=entry["certificate"])
        if problems := erasure._blockers():
            raise _NotNow(" ".join(problems))
        erasure._restart_planning()
        erasure.message_post(
            body=self.env._(
                "Done again after a backup was restored: %(erasure)s was approved on %(day)s and "
                "done on %(done)s. It needs no second approval.",
                erasure=entry_name(entry),
                day=entry["approved_at"],
                done=entry["done_at"],
            ),
            subtype_xmlid="mail.mt_note",
        )
        return erasure

    def _run(self, erasure, entry, commit):
        """Take the erasure to its end, step by step; killed, it goes on where it was."""
        known = {}
        while erasure.state in (*RUNNING, "planned"):
            if erasure.state == "planned":
                erasure._approve_replay(entry)
                commit()
                continue
            for _rows in erasure._steps(known):
                commit()
                erasure._take_from_disk(commit)
            if erasure.state in RUNNING:
                return  # the scheduled action does it just now

    @api.model
    def _summary(self, outcomes):
        """How many of each, in words."""
        _ = self.env._
        labels = {
            "erased": _("erased again"),
            "known": _("done before"),
            "found": _("would be erased again"),
            "elsewhere": _("under way"),
            "doubtful": _("to be looked at"),
            "refused": _("refused"),
            "failed": _("stopped"),
        }
        counts = {code: sum(each.code == code for each in outcomes) for code in labels}
        parts = [f"{label}: {counts[code]}" for code, label in labels.items() if counts[code]]
        return ", ".join(parts) or _("Nobody of the register is in this database.")


def entry_name(entry):
    """How an entry is called: the number of the erasure and its certificate."""
    return f"{entry['erasure']} ({entry['certificate'][:12] or '–'})"
