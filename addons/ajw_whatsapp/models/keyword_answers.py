"""What a person reads who wrote one of the Hindi keywords. English is translated as usual."""

HINDI = {
    "stop": (
        "%(business)s: अब हम आपको WhatsApp पर कोई संदेश नहीं भेजेंगे। इसे वापस लेने के लिए START लिखकर भेजें।"
    ),
    "start": (
        "%(business)s: आपको WhatsApp पर फिर से संदेश मिलेंगे: %(purposes)s। "
        "इन्हें बंद करने के लिए STOP लिखकर भेजें।"
    ),
    "link": "%(business)s: WhatsApp पर कौन से संदेश चाहिए, यह यहाँ चुनें: %(link)s",
    "ask": ("%(business)s: संदेश यहाँ से फिर शुरू नहीं किए जा सकते। कृपया हमसे संपर्क करें: %(contact)s"),
}

#: Name of a purpose as it comes with the software → in Hindi. One that was renamed keeps its name.
HINDI_PURPOSES = {
    "Invoices": "इनवॉइस",
    "Quotations and orders": "कोटेशन और ऑर्डर",
    "Payment reminders": "भुगतान रिमाइंडर",
    "Service and repair": "सेवा और मरम्मत",
    "Offers and news": "ऑफ़र और समाचार",
}
