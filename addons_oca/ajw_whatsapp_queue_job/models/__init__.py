from . import ajw_whatsapp_account
