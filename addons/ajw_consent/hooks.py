def post_init_hook(env):
    """Give every controller a draft notice, so that an officer has something to read and publish."""
    env["ajw.consent.notice"]._create_missing_drafts()
