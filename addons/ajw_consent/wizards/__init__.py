from . import (
    ajw_consent_card,
    ajw_consent_invite,
    ajw_consent_origin_record,
    ajw_consent_preference_send,
    ajw_consent_record,
    ajw_consent_suppression_check,
    ajw_consent_verify,
    base_partner_merge,
)
