"""A stand-in for Meta's WhatsApp Cloud API on the loopback interface, with a phone page."""
