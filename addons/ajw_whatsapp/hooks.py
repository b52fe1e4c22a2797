def uninstall_hook(env):
    """Remove the scheduled actions of the accounts.

    They are created with the accounts, so no data file owns them, and a scheduled action left
    behind would keep the model it runs on from going.
    """
    accounts = env["ajw.whatsapp.account"].with_context(active_test=False).search([])
    crons = accounts.cron_id
    accounts.cron_id = False
    crons.unlink()
