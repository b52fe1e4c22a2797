import hashlib
import json

from odoo import models
from odoo.exceptions import ValidationError

from .ajw_consent_notice import CHANNEL_FIELDS, WORDING_FIELDS

#: Digest 1 (until release 19.0.1.1.0) covers the texts and the language; digest 2 also the
#: version, the channels and what is said of each purpose. Each notice keeps the one it has.
DIGEST_VERSION = 2


class AjwConsentNotice(models.Model):
    """The wording as it is hashed, and what it covers."""

    _inherit = "ajw.consent.notice"

    def _wording(self, version=None):
        """Return what the person could read, as a dict of plain values: what is hashed.

        :param int version: of a draft that is about to be published
        """
        self.ensure_one()
        wording = {name: self[name] or "" for name in WORDING_FIELDS}
        wording["lang"] = self.lang
        if version is None and self.digest_version < DIGEST_VERSION:
            return wording
        return wording | {
            "digest_version": DIGEST_VERSION,
            "version": version or self.version,
            "channels": sorted(key for key, name in CHANNEL_FIELDS.items() if self[name]),
            "purposes": [
                {
                    "code": line.purpose_id.code,
                    "name": line.name or "",
                    "description": line.description or "",
                    "data_items": line.data_items or "",
                }
                for line in self.line_ids.sorted(lambda line: (line.sequence, line.id))
            ],
        }

    def _wording_digest(self):
        """SHA-256 (hex) of what the person could read, in canonical JSON."""
        return self._digest_of(None)

    def _digest_of(self, version):
        canonical = json.dumps(
            self._wording(version), sort_keys=True, separators=(",", ":"), ensure_ascii=False
        )
        return hashlib.sha256(canonical.encode()).hexdigest()

    def _covers(self, purpose, channel=None):
        """Whether somebody who saw this wording was told of a purpose (and a channel).

        Wordings of releases before 19.0.1.2.0 do not itemise: they cover all.
        """
        self.ensure_one()
        if self.state == "published" and self.digest_version < DIGEST_VERSION:
            return True
        return purpose in self.line_ids.purpose_id and (
            not channel or bool(self[CHANNEL_FIELDS[channel]])
        )

    def _line_of(self, purpose):
        """Return what the wording says of a purpose; empty in wordings that do not itemise.

        :param purpose: ``ajw.consent.purpose``, one record
        :rtype: ajw.consent.notice.line
        """
        return self.line_ids.filtered(lambda line: line.purpose_id == purpose)

    def _check_covers(self, purposes, channel=None):
        """Refuse an opt-in to what the wording does not speak of.

        :param purposes: ``ajw.consent.purpose``
        :param str channel: channel key; the purposes alone if not given
        :raises ValidationError: naming the channel or the purposes
        """
        for notice in self:
            uncovered = purposes.filtered(lambda purpose, seen=notice: not seen._covers(purpose))
            # A wording that speaks of all the purposes, and still does not cover: by the channel.
            if channel and not uncovered and not all(notice._covers(p, channel) for p in purposes):
                labels = dict(
                    self.env["ajw.consent.state"]
                    ._fields["channel"]
                    ._description_selection(self.env)
                )
                raise ValidationError(
                    self.env._(
                        "The notice %(notice)s does not speak of %(channel)s. Publish a version "
                        "that does, and ask with that.",
                        notice=notice.display_name,
                        channel=labels[channel],
                    )
                )
            if uncovered:
                raise ValidationError(
                    self.env._(
                        "The notice %(notice)s does not cover: %(purposes)s. Publish a version "
                        "that does, and ask with that.",
                        notice=notice.display_name,
                        purposes=", ".join(uncovered.mapped("name")),
                    )
                )

    def init(self):
        """Install the triggers that keep published wordings as they are, whoever asks."""
        # SQL: the guard must hold below the ORM
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION ajw_consent_notice_refuse() RETURNS trigger AS $$
            BEGIN
                IF TG_OP <> 'TRUNCATE' AND OLD.state <> 'published' THEN
                    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
                END IF;
                IF TG_OP = 'UPDATE' AND (
                       NEW.state, NEW.title, NEW.body, NEW.legal_entity, NEW.officer_contact,
                       NEW.recipients, NEW.transfer, NEW.how_to_withdraw, NEW.how_to_complain,
                       NEW.lang, NEW.company_id, NEW.source_id, NEW.version, NEW.published_at,
                       NEW.digest, NEW.digest_version, NEW.for_whatsapp, NEW.for_email,
                       NEW.for_sms, NEW.for_phone, NEW.for_post
                   ) IS NOT DISTINCT FROM (
                       OLD.state, OLD.title, OLD.body, OLD.legal_entity, OLD.officer_contact,
                       OLD.recipients, OLD.transfer, OLD.how_to_withdraw, OLD.how_to_complain,
                       OLD.lang, OLD.company_id, OLD.source_id, OLD.version, OLD.published_at,
                       OLD.digest, OLD.digest_version, OLD.for_whatsapp, OLD.for_email,
                       OLD.for_sms, OLD.for_phone, OLD.for_post
                   ) THEN
                    RETURN NEW;
                END IF;
                RAISE EXCEPTION 'A published notice never changes: % refused', TG_OP
                    USING ERRCODE = 'restrict_violation';
            END
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS ajw_consent_notice_no_change ON ajw_consent_notice;
            CREATE TRIGGER ajw_consent_notice_no_change BEFORE UPDATE OR DELETE
                ON ajw_consent_notice FOR EACH ROW EXECUTE FUNCTION ajw_consent_notice_refuse();
            DROP TRIGGER IF EXISTS ajw_consent_notice_no_truncate ON ajw_consent_notice;
            CREATE TRIGGER ajw_consent_notice_no_truncate BEFORE TRUNCATE
                ON ajw_consent_notice FOR EACH STATEMENT
                EXECUTE FUNCTION ajw_consent_notice_refuse();
            """
        )


class AjwConsentNoticeLine(models.Model):
    _inherit = "ajw.consent.notice.line"

    def init(self):
        """Install the trigger that keeps the purposes of published wordings as they are."""
        # SQL: the guard must hold below the ORM
        self.env.cr.execute(
            """
            CREATE OR REPLACE FUNCTION ajw_consent_notice_line_refuse() RETURNS trigger AS $$
            BEGIN
                IF TG_OP = 'UPDATE' AND (
                       NEW.notice_id, NEW.purpose_id, NEW.name, NEW.description, NEW.data_items,
                       NEW.sequence, NEW.ask_again
                   ) IS NOT DISTINCT FROM (
                       OLD.notice_id, OLD.purpose_id, OLD.name, OLD.description, OLD.data_items,
                       OLD.sequence, OLD.ask_again
                   ) THEN
                    RETURN NEW;
                END IF;
                IF (TG_OP <> 'INSERT' AND EXISTS (SELECT 1 FROM ajw_consent_notice notice
                        WHERE notice.id = OLD.notice_id AND notice.state = 'published'))
                   OR (TG_OP <> 'DELETE' AND EXISTS (SELECT 1 FROM ajw_consent_notice notice
                        WHERE notice.id = NEW.notice_id AND notice.state = 'published')) THEN
                    RAISE EXCEPTION 'A published notice never changes: % refused', TG_OP
                        USING ERRCODE = 'restrict_violation';
                END IF;
                RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
            END
            $$ LANGUAGE plpgsql;
            DROP TRIGGER IF EXISTS ajw_consent_notice_line_no_change ON ajw_consent_notice_line;
            CREATE TRIGGER ajw_consent_notice_line_no_change BEFORE INSERT OR UPDATE OR DELETE
                ON ajw_consent_notice_line FOR EACH ROW
                EXECUTE FUNCTION ajw_consent_notice_line_refuse();
            """
        )
