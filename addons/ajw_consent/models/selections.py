"""Selections that several models share."""

CHANNELS = [
    ("whatsapp", "WhatsApp"),
    ("email", "Email"),
    ("sms", "SMS"),
    ("phone", "Phone call"),
    ("post", "Post"),
]
GIVEN_BY = [("self", "The person"), ("guardian", "A guardian")]
KINDS = [
    ("given", "Given"),
    ("confirmed", "Confirmed"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("expired", "Expired"),
    ("suspended", "Suspended"),
    ("renewed", "Renewed"),
]
METHODS = [
    ("paper", "Signed form"),
    ("spoken", "Spoken"),
    ("in_person", "In person"),
    ("web_form", "Web form"),
    ("email_link", "Link in an email"),
    ("sms_link", "Link in a text message"),
    ("qr_code", "QR code"),
    ("portal", "Customer portal"),
    ("document_link", "Link to a document"),
    ("import", "Import"),
    ("whatsapp_message", "WhatsApp message"),
    ("whatsapp_button", "WhatsApp button"),
    ("whatsapp_preference", "WhatsApp preference"),
    ("meta_error", "Told by Meta when sending"),
    ("back_office", "Back office"),
    ("automatic", "Recorded by the system"),
]
STATUSES = [
    ("given", "Given"),
    ("unconfirmed", "To be confirmed"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("expired", "Expired"),
    ("suspended", "Suspended"),
]
#: Where the data of a contact came from.
ORIGINS = [
    ("own_form", "Own form"),
    ("customer", "Existing customer"),
    ("partner", "Introduced by a partner"),
    ("business_card", "Business card"),
    ("public_register", "Public register"),
    ("import", "Import file"),
    ("event", "Event or fair"),
    ("phone", "Called or wrote to us"),
    ("in_person", "Came to us in person"),
    ("other", "Other"),
]

#: What somebody does who may hold nothing but a page, a mail or a document: it proves no number.
SELF_SERVICE = frozenset(
    {"portal", "document_link", "email_link", "sms_link", "qr_code", "web_form"}
)
#: A message from the number proves it.
FROM_NUMBER = frozenset({"whatsapp_message", "whatsapp_button"})
