"""WhatsApp Cloud API without Odoo: client, payloads, errors, webhooks, rate limit, threads.

Nothing here imports the ORM, so threads may use all of it and tests need no database.
"""
