{
    "name": "Consent When Signing",
    "summary": "Unticked boxes where customers sign or pay a quotation in the portal",
    "version": "19.0.1.2.0",
    "category": "Productivity/Privacy",
    "author": "AJ Works",
    "license": "LGPL-3",
    "depends": ["ajw_consent_payment", "sale"],
    "data": ["views/portal_templates.xml"],
    "assets": {
        "web.assets_frontend": ["ajw_consent_sale/static/src/interactions/**/*"],
        "web.assets_tests": ["ajw_consent_sale/static/tests/tours/**/*"],
    },
    "auto_install": True,
}
