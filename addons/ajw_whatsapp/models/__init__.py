from . import (
    ajw_whatsapp_account,
    ajw_whatsapp_account_outbox,
    ajw_whatsapp_account_template,
    ajw_whatsapp_message,
    ajw_whatsapp_template,
    ajw_whatsapp_template_button,
    ajw_whatsapp_template_variable,
    ajw_whatsapp_webhook_event,
)
