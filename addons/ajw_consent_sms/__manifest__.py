{
    "name": "Consent Ledger for SMS",
    "summary": "Text messages ask the same gate: who said no gets none",
    "version": "19.0.1.2.0",
    "category": "Productivity/Privacy",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["ajw_consent", "sms"],
    "data": [
        "views/sms_sms_views.xml",
        "views/res_config_settings_views.xml",
        "wizards/sms_composer_views.xml",
    ],
    "auto_install": True,
}
