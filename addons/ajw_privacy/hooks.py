def post_init_hook(env):
    """Fill the data map at once: the daily action would leave it empty until tonight."""
    env["ajw.privacy.data.map"]._refresh()
