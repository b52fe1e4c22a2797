from odoo import SUPERUSER_ID, api


def migrate(cr, version):
    """Let *Messages* be a menu of several: the data file cannot empty what the old one had set."""
    env = api.Environment(cr, SUPERUSER_ID, {})
    menu = env.ref("ajw_whatsapp.menu_messages", raise_if_not_found=False)
    if menu and menu.child_id:
        users = env.ref("ajw_whatsapp.group_user")
        menu.write({"action": False, "group_ids": [(6, 0, users.ids)]})
