import re
from typing import NamedTuple

import pytz
from dateutil.relativedelta import relativedelta

from odoo import fields, models

from ..importing import parse_moment
from ..tools.address import PHONE_CHANNELS, AddressError, normalize_address
from .ajw_consent_import_contacts import RowError, plain
from .selections import CHANNELS, METHODS, ORIGINS

_SEPARATORS = re.compile(r"[,;|/\n]+")
#: Days since 1900: 2000 to 2099, with a part of a day.
_SERIAL = re.compile(r"[3-7][0-9]{4}(\.[0-9]+)?")


class Row(NamedTuple):
    """A row of the file that can be recorded.

    :param int number: of the row in the file, from 1
    :param partner: res.partner
    :param purposes: ``ajw.consent.purpose`` that something is to be recorded for
    :param origin_date: day on which the data came, if the file says it
    :param bool known: all of it is on record already
    """

    number: int
    partner: object
    purposes: object
    channel: str
    address: str
    occurred_at: object
    notice: object
    note: str
    guardian: str
    origin: str
    origin_date: object = None
    known: bool = False


class AjwConsentImport(models.Model):
    """Reading rows: whom they are about, and whether they may be recorded."""

    _inherit = "ajw.consent.import"

    def _check_rows(self, columns, lines, seen):
        """Check a batch of rows, in a number of queries that does not grow with it.

        :param dict columns: what → position, from ``importing.map_columns``
        :param list lines: ``importing.Line``
        :param dict seen: what earlier rows of the file were about → their number; is extended
        :return: ``(list of Row, list of (row number, reason, cells))``
        """
        good, bad = self._read_rows(columns, lines, seen)
        return self._check_answers(good, bad, {line.number: line.cells for line in lines})

    def _read_rows(self, columns, lines, seen):
        """Read a batch of rows, each for itself; see :meth:`_check_rows`."""
        good, bad, readable = [], [], []
        for line in lines:
            if line.problem:
                bad.append((line.number, self._problem_of_line(line.problem), line.cells))
                continue
            cells = line.cells
            values = {key: cells[at] if at < len(cells) else "" for key, at in columns.items()}
            readable.append((line, values))
        facts = self._facts()
        facts.contacts = self._find_contacts([values for _line, values in readable], facts.keys)
        for line, values in readable:
            try:
                good.append(self._read_row(line.number, values, facts, seen))
            except RowError as error:
                bad.append((line.number, str(error), line.cells))
        return good, bad

    def _facts(self):
        """Return what all rows are read with."""
        purposes = self.env["ajw.consent.purpose"].search([])
        notices = self.env["ajw.consent.notice"].search(
            [("company_id", "=", self.company_id.id), ("state", "=", "published")]
        )
        return _Facts(
            {plain(name): each for each in purposes for name in (each.code, each.name)},
            {plain(name): key for key, label in CHANNELS for name in (key, label)},
            {plain(name): label for key, label in METHODS for name in (key, label)},
            {plain(name): key for key, label in ORIGINS for name in (key, label)},
            {notice: notice._in_force_since() for notice in notices},
            pytz.timezone(self.env.user.tz or "UTC"),
        )

    # ------------------------------------------------------------------
    # One row
    # ------------------------------------------------------------------

    def _read_row(self, number, row, facts, seen):
        partner = self._find_contact(row, facts)
        purposes = self._read_purposes(row, facts)
        channel = self.channel
        if row.get("channel"):
            channel = facts.channels.get(plain(row["channel"]))
            if not channel:
                raise RowError(self.env._("Unknown channel: %s", row["channel"]))
        address = self._read_address(row, partner, channel, facts)
        occurred_at = self._read_date(row, facts)
        notice = self._read_notice(row, facts, partner, occurred_at)
        for purpose in purposes:
            if not facts.covers(notice, purpose, channel):
                raise RowError(
                    self.env._(
                        "The notice %(notice)s does not cover %(purpose)s over %(channel)s.",
                        notice=notice.display_name,
                        purpose=purpose.name,
                        channel=facts.channel_names[channel],
                    )
                )
            # As the ledger counts it: what has ended by itself opens nothing.
            months = purpose.validity_months
            if months and occurred_at + relativedelta(months=months) <= facts.now:
                raise RowError(
                    self.env._(
                        "Consent to %(purpose)s holds for %(months)s months: this one has expired.",
                        purpose=purpose.name,
                        months=months,
                    )
                )
        guardian = str(row.get("guardian") or "")
        # sudo: the flag is for who records consent; an officer does
        if partner.sudo().ajw_consent_minor and not guardian:
            raise RowError(self.env._("The contact is a minor: name the guardian who agreed."))
        method = row.get("method") or ""
        if method and plain(method) not in facts.methods:
            raise RowError(self.env._("Unknown method: %s", method))
        origin = row.get("origin") or ""
        if origin and plain(origin) not in facts.origins:
            raise RowError(self.env._("Unknown origin: %s", origin))
        for purpose in purposes:
            first = seen.setdefault((partner.id, purpose.id, channel, address), number)
            if first != number:
                raise RowError(self.env._("The same consent stands in row %s already.", first))
        note = "\n".join(
            filter(
                None,
                (
                    self.env._("Imported from row %(row)s.", row=number),
                    facts.methods.get(plain(method)) if method else "",
                    str(row.get("proof") or ""),
                    self.proof,
                ),
            )
        )
        return Row(
            *(number, partner, purposes, channel, address, occurred_at, notice, note, guardian),
            facts.origins.get(plain(origin), ""),
            self._read_origin_date(row, facts),
        )

    def _read_origin_date(self, row, facts):
        value = row.get("origin_date")
        if not value:
            return None
        try:
            day = parse_moment(value, self.date_format).date()
        except ValueError:
            raise RowError(self.env._("There is no such date of origin: %s", value)) from None
        if day > facts.today:
            raise RowError(self.env._("The date of origin lies in the future: %s", value))
        return day

    def _read_purposes(self, row, facts):
        names = [name for name in _SEPARATORS.split(str(row.get("purposes") or "")) if name.strip()]
        purposes = self.purpose_ids if not names else self.env["ajw.consent.purpose"]
        for name in names:
            purpose = facts.purposes.get(plain(name))
            if not purpose:
                raise RowError(self.env._("Unknown purpose: %s", name.strip()))
            purposes |= purpose
        if not purposes:
            raise RowError(self.env._("No purpose is named."))
        return purposes

    def _read_address(self, row, partner, channel, facts):
        typed = row.get("address") or (
            row.get("number") if channel in PHONE_CHANNELS else row.get("email")
        )
        key = facts.keys.get(("number", typed), "")
        if channel in PHONE_CHANNELS and key:
            return key  # it was read as a number already, whatever the country
        typed = str(typed or partner._ajw_default_address(channel) or "")
        try:
            return normalize_address(channel, typed, partner.country_id.code or None)
        except AddressError as error:
            raise RowError(
                {
                    "missing": self.env._("There is no number or address."),
                    "email": self.env._("This is not an email address."),
                    "country": self.env._("The number has no country prefix (+91…)."),
                    "phone": self.env._("This is not a valid telephone number."),
                }[error.code]
            ) from error

    def _read_date(self, row, facts):
        value = row.get("date")
        if not value:
            raise RowError(self.env._("The date on which the person agreed is missing."))
        try:
            moment = facts.to_utc(parse_moment(value, self.date_format))
        except (ValueError, OverflowError):
            if _SERIAL.fullmatch(str(value)):
                raise RowError(
                    self.env._(
                        "%s is how a spreadsheet counts days: give the column the format of a "
                        "date.",
                        value,
                    )
                ) from None
            raise RowError(self.env._("There is no such date: %s", value)) from None
        if moment > facts.now:
            raise RowError(self.env._("The date lies in the future: %s", value))
        return moment

    def _read_notice(self, row, facts, partner, occurred_at):
        version = str(row.get("notice") or "").strip().casefold().removeprefix("v")
        if version:
            notices = [each for each in facts.notices if str(each.version) == version]
            if not notices:
                raise RowError(self.env._("There is no published notice of version %s.", version))
            in_language = [each for each in notices if each.lang == partner.lang]
            notice = (in_language or notices)[0]
        else:
            notice = self.notice_id
        if not notice or notice not in facts.notices:
            raise RowError(self.env._("No published notice is named that the person saw."))
        since = facts.notices[notice]
        if not since:
            raise RowError(
                self.env._(
                    "The notice %s has not taken effect: nobody saw it.", notice.display_name
                )
            )
        if occurred_at < since:
            raise RowError(
                self.env._(
                    "The notice took effect on %(day)s, after the person is said to have agreed "
                    "to it.",
                    day=fields.Date.to_string(since),
                )
            )
        return notice


class _Facts:
    """What all rows of a file are read with."""

    def __init__(self, purposes, channels, methods, origins, notices, timezone):
        self.purposes, self.channels, self.methods = purposes, channels, methods
        self.origins, self.notices, self.timezone = origins, notices, timezone
        self.channel_names = dict(CHANNELS)
        self.now = fields.Datetime.now()
        self.today = self.now.date()
        self.contacts, self.keys = {}, {}
        self._covered = {}

    def covers(self, notice, purpose, channel):
        key = notice.id, purpose.id, channel
        if key not in self._covered:
            self._covered[key] = notice._covers(purpose, channel)
        return self._covered[key]

    def to_utc(self, moment):
        """Return naive UTC; a moment that says no offset is one on the user's clock."""
        if moment.tzinfo is None:
            moment = self.timezone.localize(moment)
        return moment.astimezone(pytz.utc).replace(tzinfo=None)
