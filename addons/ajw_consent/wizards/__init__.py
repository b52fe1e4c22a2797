from . import ajw_consent_record, base_partner_merge
