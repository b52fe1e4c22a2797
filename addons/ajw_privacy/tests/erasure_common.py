from odoo.fields import Command
from odoo.tools import SQL

from ..models.ajw_privacy_erasure import RUNNING
from .request_common import RequestCommon

#: What only the erasure of a person may change: its own tables, and the machinery of any request.
OWN_TABLES = frozenset(
    {
        "ajw_privacy_erasure", "ajw_privacy_erasure_identifier", "ajw_privacy_erasure_place",
        "ajw_privacy_erasure_row", "ajw_privacy_certificate", "ajw_privacy_erasure_spool",
        "ajw_privacy_erasure_finding",
        "ajw_privacy_kept",
        # scheduled actions, and the consent ledger's check of its keys
        "ir_cron", "ir_cron_trigger", "ir_cron_progress", "ir_config_parameter",
        # numbers given away, and what tells browsers to look again
        "ir_sequence", "bus_bus",
    }
)  # fmt: skip
#: The conversation of an erasure says in which state it is.
_OWN_ROWS = {
    "mail_message": "model = 'ajw.privacy.erasure'",
    "mail_tracking_value": "mail_message_id IN (SELECT id FROM mail_message "
    "WHERE model = 'ajw.privacy.erasure')",
    "mail_followers": "res_model = 'ajw.privacy.erasure'",
    "mail_notification": "mail_message_id IN (SELECT id FROM mail_message "
    "WHERE model = 'ajw.privacy.erasure')",
}


class ErasureCommon(RequestCommon):
    """A customer who left traces in many places, and officers to erase them."""

    NAME = "Quirina Zephyrsson"
    OLD_NAME = "Quirina Vexleyova"
    EMAIL = "quirina.zq7@example.com"
    PHONE = "+49 30 5550123"
    TOKENS = ("zephyrsson", "vexleyova", "quirina[.-]zq7", "305550123", "tokenweg")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        officer = "base.group_user,ajw_consent.group_officer"
        cls.second = cls._user("privacy_second", officer, cls.company.ids)
        cls.colleague = cls._person("Bruno Colleague", "bruno@example.com", "+49 30 7770001")
        cls.subject = cls._person(
            cls.OLD_NAME, cls.EMAIL, cls.PHONE, street="Tokenweg 7", zip="10115", city="Berlin"
        )
        cls.env.cr.flush()
        cls.subject.write({"name": cls.NAME, "comment": f"<p>{cls.NAME} likes tea.</p>"})
        cls.env.cr.flush()  # with what tracking notes at the end of a transaction

    def _leave_traces(self):
        """Put the person into every kind of place; returns the records by name."""
        post = {"message_type": "comment", "subtype_xmlid": "mail.mt_comment"}
        internal = self.internal.partner_id
        user = (
            self.env["res.users"]
            .with_context(no_reset_password=True)
            .create(
                {
                    "login": "quirina-zq7",
                    "partner_id": self.subject.id,
                    "company_id": self.company.id,
                    "company_ids": [Command.set(self.company.ids)],
                    "group_ids": [Command.set(self.env.ref("base.group_portal").ids)],
                    "signature": f"<p>{self.NAME}</p>",
                }
            )
        )
        mails = self.env["mail.mail"]
        found = {
            "user": user,
            "written": self.colleague.message_post(
                author_id=self.subject.id,
                email_from=f'"{self.NAME}" <{self.EMAIL}>',
                body=f"Zephyrsson, Quirina here. Call 030/555 01 23, or write to {self.EMAIL}",
                **post,
            ),
            "mention": self.colleague.message_post(
                author_id=internal.id, body=f"Ask {self.EMAIL.upper()} and Bruno.", **post
            ),
            "foreign": self.colleague.message_post(
                author_id=internal.id, body="Quirinal is a hill; call +49 30 55501234.", **post
            ),
            "note": self.subject.message_post(
                author_id=internal.id, body=f"{self.OLD_NAME} moved.", **post
            ),
            "their_mail": mails.create(
                {
                    "recipient_ids": [Command.set(self.subject.ids)],
                    "body_html": f"<p>Dear {self.NAME}</p>",
                    "state": "sent",
                }
            ),
            "both_mail": mails.create(
                {
                    "email_to": f'"{self.NAME}" <{self.EMAIL}>, bruno@example.com',
                    "body_html": "<p>Dear Bruno and <b>Quirina</b> Zephyrsson</p>",
                    "state": "exception",
                }
            ),
            "file": self.env["ir.attachment"].create(
                {
                    "name": f"{self.NAME}.txt", "raw": b"hers", "res_model": "res.partner",
                    "res_id": self.subject.id,
                }
            ),
            "other_file": self.env["ir.attachment"].create(
                {
                    "name": f"List with {self.NAME} and Bruno.txt", "raw": b"of many",
                    "res_model": "res.partner", "res_id": self.colleague.id,
                }
            ),
            "bank": self.env["res.partner.bank"].create(
                {"acc_number": "DE89 3704 0044 0532 0130 00", "partner_id": self.subject.id}
            ),
            "blocked": self.env["mail.blacklist"].create({"email": self.EMAIL}),
        }  # fmt: skip
        if "ajw.whatsapp.message" in self.env:
            found["whatsapp"] = self._whatsapp_message()
        self.colleague.message_subscribe(self.subject.ids)
        self.env.cr.flush()
        return found

    def _whatsapp_message(self):
        """A message the person sent over WhatsApp, as the webhook stores it."""
        account = self.env["ajw.whatsapp.account"].create(
            {
                "name": "Erasure", "company_id": self.company.id, "phone_number_id": "1",
                "waba_id": "2", "app_id": "3", "base_url": "http://127.0.0.1:9",
                "access_token": "x", "app_secret": "x", "verify_token": "erasure",
            }
        )  # fmt: skip
        self.env.flush_all()
        # SQL: only the outbox itself writes messages
        self.env.cr.execute(
            """INSERT INTO ajw_whatsapp_message
                   (company_id, account_id, partner_id, direction, state, number, wa_id,
                    wa_user_id, wamid, body, callback_ref)
               VALUES (%s, %s, %s, 'inbound', 'received', %s, %s, 'DE.9zq7', 'wamid.x', %s, 'r')
               RETURNING id""",
            [self.company.id, account.id, self.subject.id, "+49305550123", "49305550123",
             f"It is {self.NAME}"],
        )  # fmt: skip
        return self.env["ajw.whatsapp.message"].browse(self.env.cr.fetchone()[0])

    # -- running ---------------------------------------------------------------------------------

    def _erasure(self, partner=None, user=None, **values):
        return (
            self.env["ajw.privacy.erasure"]
            .with_user(user or self.officer)
            .create({"partner_id": (partner or self.subject).id, **values})
        )

    def _advance(self, erasure, *until):
        """Take steps as the scheduled action does, until one of the states is reached."""
        work = erasure.with_user(self.env.ref("base.user_root")).sudo()
        known = {}
        while work.state in RUNNING and work.state not in until:
            work._advance(known)
            work._take_from_disk()
        self.env.invalidate_all()
        return erasure

    def _planned(self, partner=None, **values):
        erasure = self._erasure(partner, **values)
        erasure.action_plan()
        self._advance(erasure, "planned")
        self.assertEqual(erasure.state, "planned", erasure.error)
        return erasure

    def _give_reasons(self, erasure, reason="A test."):
        """Answer what the checks ask about."""
        erasure.finding_ids.filtered(lambda finding: finding.level == "confirm").with_user(
            self.officer
        ).reason = reason

    def _approved(self, partner=None, **values):
        erasure = self._planned(partner, **values)
        self._give_reasons(erasure)
        erasure.with_user(self.second).action_approve()
        return erasure

    def _erased(self, partner=None, **values):
        return self._advance(self._approved(partner, **values))

    # -- looking ---------------------------------------------------------------------------------

    def _fetch(self, query, *params):
        self.env.flush_all()
        return self.env.execute_query(SQL(query, *params))

    def _text_columns(self):
        """Every column of the database that can hold text, asked another way than the scan asks."""
        return self._fetch(
            """SELECT c.table_name, c.column_name, c.data_type FROM information_schema.columns c
                 JOIN information_schema.tables t USING (table_schema, table_name)
                WHERE c.table_schema = current_schema AND t.table_type = 'BASE TABLE'
                  AND (c.data_type IN ('text', 'character varying', 'jsonb', 'json', 'bytea',
                                       'xml', 'ARRAY'))"""
        )

    def _where(self, tokens=None):
        """Columns in which one of the tokens stands, in capitals or not."""
        pattern = "|".join(tokens or self.TOKENS)
        by_table = {}
        for table, column, kind in self._text_columns():
            text = "encode(%s, 'escape')" if kind == "bytea" else "%s::text"
            by_table.setdefault(table, []).append((column, text))
        found = []
        for table, columns in by_table.items():
            checks = SQL(", ").join(
                SQL("bool_or(%s ~* %s)", SQL(text, SQL.identifier(column)), pattern)
                for column, text in columns
            )
            [row] = self.env.execute_query(SQL("SELECT %s FROM %s", checks, SQL.identifier(table)))
            found += [
                f"{table}.{column}"
                for (column, _text), hit in zip(columns, row, strict=True)
                if hit
            ]
        return sorted(found)

    def _checksums(self):
        """Table → number and checksum of its rows, the erasure's own left out."""
        tables = [
            table
            for [table] in self._fetch(
                "SELECT relname FROM pg_class WHERE relkind = 'r' "
                "AND relnamespace = current_schema::regnamespace ORDER BY 1"
            )
            if table not in OWN_TABLES
        ]
        return {
            table: self.env.execute_query(
                SQL(
                    "SELECT count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) "
                    "FROM %s t WHERE NOT %s",
                    SQL.identifier(table),
                    SQL("(%s)", SQL(_OWN_ROWS[table])) if table in _OWN_ROWS else SQL("FALSE"),
                )
            )
            for table in tables
        }

    def _rows_of(self, *records):
        """The rows of some records as they are stored, byte by byte."""
        return {
            record._name: self._fetch(
                "SELECT md5(t::text) FROM %s t WHERE id IN %s ORDER BY id",
                SQL.identifier(record._table),
                record._ids,
            )
            for record in records
        }
