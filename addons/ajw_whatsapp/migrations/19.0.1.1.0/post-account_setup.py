def migrate(cr, version):
    """Accounts that work already need no guided set-up."""
    cr.execute("UPDATE ajw_whatsapp_account SET setup_step = 'done' WHERE state <> 'draft'")
