def post_init_hook(env):
    """Give every controller a draft notice, for an officer to read and publish."""
    env["ajw.consent.notice"]._create_missing_drafts()


def uninstall_hook(env):
    """Take the guard off the ledger, once its proof is exported, so that it can go.

    :raises UserError: proof would be lost that was not exported
    """
    env["ir.module.module"].search([("name", "=", "ajw_consent")])._ajw_check_uninstall()
    # The tables go with their triggers, the triggers' functions would stay behind.
    env.cr.execute("DROP FUNCTION IF EXISTS ajw_consent_event_refuse() CASCADE")
    env.cr.execute("DROP FUNCTION IF EXISTS ajw_consent_seal_refuse() CASCADE")
    env.cr.execute("DROP FUNCTION IF EXISTS ajw_consent_notice_refuse() CASCADE")
    env.cr.execute("DROP FUNCTION IF EXISTS ajw_consent_notice_line_refuse() CASCADE")
