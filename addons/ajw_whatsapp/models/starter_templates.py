"""Texts of the templates an account starts with. Meta reviews each before it can be sent."""

_INVOICE_VARIABLES = (
    ("customer", "partner_id.name"),
    ("number", "name"),
    ("amount", "amount_total"),
    ("due_date", "invoice_date_due"),
)
_ORDER_VARIABLES = (
    ("customer", "partner_id.name"),
    ("number", "name"),
    ("amount", "amount_total"),
    ("date", "date_order"),
)


def _with_samples(variables, samples):
    return [(name, path, sample) for (name, path), sample in zip(variables, samples, strict=True)]


STARTER_TEMPLATES = [
    {
        "name": "invoice_document",
        "language": "en",
        "model": "account.move",
        "purpose": "ajw_consent.purpose_invoice",
        "body": (
            "Hello {{customer}},\n\n"
            "your document {{number}} for {{amount}} is attached. It is due on {{due_date}}.\n\n"
            "Thank you for your business."
        ),
        "footer": "Reply STOP to opt out.",
        "button": "View online",
        "link_sample": "my/invoices/1?access_token=sample",
        "variables": _with_samples(
            _INVOICE_VARIABLES, ("Azure Interior", "INV/2026/00042", "₹ 12,500.00", "31/12/2026")
        ),
    },
    {
        "name": "invoice_document",
        "language": "hi",
        "model": "account.move",
        "purpose": "ajw_consent.purpose_invoice",
        "body": (
            "नमस्ते {{customer}},\n\n"
            "आपका दस्तावेज़ {{number}}, राशि {{amount}}, संलग्न है। भुगतान की अंतिम तिथि "
            "{{due_date}} है।\n\nहमारे साथ जुड़े रहने के लिए धन्यवाद।"
        ),
        "footer": "संदेश बंद करने के लिए STOP लिखकर भेजें।",
        "button": "ऑनलाइन देखें",
        "link_sample": "my/invoices/1?access_token=sample",
        "variables": _with_samples(
            _INVOICE_VARIABLES, ("Azure Interior", "INV/2026/00042", "₹ 12,500.00", "31/12/2026")
        ),
    },
    {
        "name": "order_document",
        "language": "en",
        "model": "sale.order",
        "purpose": "ajw_consent.purpose_order",
        "body": (
            "Hello {{customer}},\n\n"
            "your order {{number}} of {{date}} for {{amount}} is attached.\n\n"
            "Just reply to this message if you have a question."
        ),
        "footer": "Reply STOP to opt out.",
        "button": "View online",
        "link_sample": "my/orders/1?access_token=sample",
        "variables": _with_samples(
            _ORDER_VARIABLES, ("Azure Interior", "S00042", "₹ 12,500.00", "01/12/2026")
        ),
    },
    {
        "name": "order_document",
        "language": "hi",
        "model": "sale.order",
        "purpose": "ajw_consent.purpose_order",
        "body": (
            "नमस्ते {{customer}},\n\n"
            "{{date}} का {{number}}, राशि {{amount}}, संलग्न है।\n\n"
            "कोई प्रश्न हो तो इस संदेश का उत्तर दें।"
        ),
        "footer": "संदेश बंद करने के लिए STOP लिखकर भेजें।",
        "button": "ऑनलाइन देखें",
        "link_sample": "my/orders/1?access_token=sample",
        "variables": _with_samples(
            _ORDER_VARIABLES, ("Azure Interior", "S00042", "₹ 12,500.00", "01/12/2026")
        ),
    },
]
