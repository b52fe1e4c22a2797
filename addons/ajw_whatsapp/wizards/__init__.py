from . import ajw_consent_record, ajw_whatsapp_composer, ajw_whatsapp_test_message
