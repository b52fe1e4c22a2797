from . import (
    ajw_consent_record,
    ajw_whatsapp_composer,
    ajw_whatsapp_test_message,
    ajw_whatsapp_batch_wizard,
    ajw_whatsapp_batch_survey,
    ajw_whatsapp_batch_line,
    ajw_whatsapp_batch_reason,
    ajw_whatsapp_coverage,
)
