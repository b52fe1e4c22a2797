def uninstall_hook(env):
    """Leave no job behind that may not commit, and have the scheduled actions send what waits."""
    env["queue.job"].search(
        [
            ("model_name", "=", "ajw.whatsapp.account"),
            ("method_name", "=", "_ajw_run_outbox"),
            ("state", "in", ("pending", "enqueued")),
        ]
    ).button_cancelled()
    for cron in env["ajw.whatsapp.account"].search([]).cron_id:
        cron._trigger()
