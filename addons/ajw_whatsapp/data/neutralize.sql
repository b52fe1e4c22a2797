-- A copy of the database must not be able to write to anybody's phone.
UPDATE ajw_whatsapp_account
   SET access_token_cipher = NULL,
       app_secret_cipher = NULL,
       verify_token_cipher = NULL,
       base_url = 'http://127.0.0.1:9',
       state = 'stopped',
       stopped_reason = 'This is a neutralised copy: nothing is sent from it.';
-- What was being sent when the copy was made is the original's to settle.
UPDATE ajw_whatsapp_message
   SET state = 'cancelled',
       retry_at = NULL
 WHERE direction = 'outbound'
   AND state IN ('preparing', 'queued', 'sending');
UPDATE ajw_whatsapp_webhook_event
   SET state = 'not_handled',
       error = 'Neutralised copy'
 WHERE state = 'pending';
-- A code printed by a copy would lead to the copy.
UPDATE res_company
   SET ajw_consent_qr_on_invoice = false;
