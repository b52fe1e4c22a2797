def post_init_hook(env):
    """Give every controller a draft notice, for an officer to read and publish."""
    env["ajw.consent.notice"]._create_missing_drafts()
