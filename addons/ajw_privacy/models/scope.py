"""Who may decide on what concerns every company."""


def acts_for_every_company(env):
    """Tell whether the user may decide for all companies of the database; the superuser may.

    :param env: the user's environment
    :rtype: bool
    """
    # sudo: only to count the companies the user does not see
    return env.su or not env["res.company"].sudo().search([]) - env.user.company_ids.sudo()
