{
    "name": "Consent Ledger for SMS Marketing",
    "summary": "Mailings by text message reach those who agreed",
    "version": "19.0.1.2.0",
    "category": "Productivity/Privacy",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["ajw_consent_mass_mailing", "ajw_consent_sms", "mass_mailing_sms"],
    "auto_install": True,
}
