"""Selections that several models share."""

CHANNELS = [
    ("whatsapp", "WhatsApp"),
    ("email", "Email"),
    ("sms", "SMS"),
    ("phone", "Phone call"),
    ("post", "Post"),
]
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
    ("qr_code", "QR code"),
    ("portal", "Customer portal"),
    ("import", "Import"),
    ("whatsapp_message", "WhatsApp message"),
    ("whatsapp_button", "WhatsApp button"),
    ("whatsapp_preference", "WhatsApp preference"),
    ("meta_error", "Told by Meta when sending"),
    ("back_office", "Back office"),
]
STATUSES = [
    ("given", "Given"),
    ("unconfirmed", "To be confirmed"),
    ("refused", "Refused"),
    ("withdrawn", "Withdrawn"),
    ("expired", "Expired"),
    ("suspended", "Suspended"),
]
