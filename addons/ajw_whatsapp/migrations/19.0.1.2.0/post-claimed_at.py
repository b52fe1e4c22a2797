def migrate(cr, version):
    """Let what was sent shortly before the upgrade count against Meta's limits."""
    cr.execute(
        "UPDATE ajw_whatsapp_message SET claimed_at = accepted_at"
        " WHERE claimed_at IS NULL AND accepted_at > now() AT TIME ZONE 'UTC' - interval '1 day'"
    )
