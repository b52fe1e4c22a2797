{
    "name": "Consent When Paying",
    "summary": "Unticked boxes where customers pay an invoice in the portal",
    "version": "19.0.1.2.0",
    "category": "Productivity/Privacy",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["ajw_consent", "account_payment"],
    "data": ["views/portal_templates.xml"],
    "assets": {
        "web.assets_frontend": ["ajw_consent_payment/static/src/interactions/**/*"],
    },
    "auto_install": True,
}
