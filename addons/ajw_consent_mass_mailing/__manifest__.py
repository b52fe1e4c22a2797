{
    "name": "Consent Ledger for Email Marketing",
    "summary": "Mailings reach those who agreed, and an unsubscription is a withdrawal on record",
    "version": "19.0.1.2.0",
    "category": "Productivity/Privacy",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["ajw_consent", "mass_mailing"],
    "data": [
        "security/ir.model.access.csv",
        "views/mailing_mailing_views.xml",
        "wizards/mail_compose_message_views.xml",
    ],
    "auto_install": True,
}
