"""Answers say who gave them; before 19.0.1.2.0 nobody but the person did."""


def migrate(cr, version):
    # SQL: as many rows as there are answers, and nothing follows from them
    cr.execute(
        """UPDATE ajw_consent_state SET given_by = 'self'
            WHERE opt_in_event_id IS NOT NULL AND given_by IS NULL"""
    )
