-- A copy of the database must not ask anybody for an opt-in.
UPDATE ajw_consent_invitation
   SET state = 'cancelled',
       token_hash = NULL,
       code_hash = NULL,
       failure_reason = 'Neutralised copy'
 WHERE state IN ('queued', 'sent', 'failed', 'unconfirmed');
-- Cards printed for the original must not be answered by a copy.
UPDATE res_company
   SET ajw_consent_card_key = NULL;
-- Nor must it ask for a confirmation, or answer the links of the original.
UPDATE ajw_consent_confirmation
   SET state = 'cancelled',
       token_hash = NULL,
       code_hash = NULL,
       failure_reason = 'Neutralised copy'
 WHERE state IN ('queued', 'sent', 'no_email', 'failed');
UPDATE ajw_consent_preference_link
   SET state = 'cancelled',
       token_hash = NULL,
       failure_reason = 'Neutralised copy'
 WHERE state IN ('queued', 'sent', 'failed', 'answered');
-- Nor must it tell anybody of a change, or that one is cancelled.
UPDATE ajw_consent_announcement_recipient
   SET recall_state = NULL
 WHERE recall_state <> 'sent';
UPDATE ajw_consent_announcement_recipient
   SET state = 'cancelled',
       effective_at = NULL
 WHERE state IN ('queued', 'failed', 'bounced', 'no_email');
UPDATE ajw_consent_announcement
   SET state = 'cancelled'
 WHERE state IN ('sending', 'done') AND effective_at > now() AT TIME ZONE 'UTC';
-- The seals of a copy are no proof: nobody gets them.
UPDATE res_company
   SET ajw_consent_seal_recipients = NULL;
