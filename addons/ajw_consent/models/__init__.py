from . import (
    ajw_consent_event,
    ajw_consent_evidence,
    ajw_consent_gate,
    ajw_consent_keyring,
    ajw_consent_notice,
    ajw_consent_purpose,
    ajw_consent_state,
    ajw_consent_subject,
    phone_blacklist,
    res_company,
    res_partner,
)
