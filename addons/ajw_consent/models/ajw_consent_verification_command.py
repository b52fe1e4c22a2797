from odoo import api, models

from ..ledger.seal import read_seal


# pylint: disable=print-used  # speak to a terminal
class AjwConsentVerification(models.Model):
    """The command line; see ``cli/``."""

    _inherit = "ajw.consent.verification"

    @api.model
    def _command_controllers(self, controller_id):
        """Return the companies a command is for.

        :param int controller_id: one company; all that are controllers if not given
        :raises ValueError: there is no such controller
        """
        companies = self.env["res.company"].search([("parent_id", "=", False)], order="id")
        if not controller_id:
            return companies
        if controller_id not in companies.ids:
            raise ValueError(f"There is no controller with the id {controller_id}.")
        return self.env["res.company"].browse(controller_id)

    @api.model
    def _run_command(self, controller_id, files, with_evidence):
        """Verify and print what was found.

        :param int controller_id: one company; all if not given
        :param files: contents (bytes) of mailed seals
        :return: whether everything is as it was recorded
        :raises ValueError: no such controller, or a file is no seal of one of them
        """
        controllers = self._command_controllers(controller_id)
        of_controller = {}
        for data in files:
            controller = read_seal(data).content.controller
            if controller not in controllers.ids:
                raise ValueError(f"A seal is of controller {controller}, which is not verified.")
            of_controller.setdefault(controller, []).append(data)
        intact = True
        for controller in controllers:
            run = self.with_company(controller)._start(
                controller, "command", of_controller.get(controller.id, ()), with_evidence
            )
            run._run()
            # What was found stays, whatever comes next.
            self.env.cr.commit()  # pylint: disable=invalid-commit
            intact &= run.state == "intact"
            print(
                f"Controller {controller.id}: {run.event_count} events in {run.chain_count} "
                f"chains, {run.seal_count} seals ({run.unsealed_count} events not sealed yet), "
                f"{run.problem_count} problems."
            )
            for finding in run.finding_ids:
                print(f"  {finding.explanation} {finding.event_uuid or ''}".rstrip())
            if run.compared_with:
                print(f"  {run.compared_with}")
        return intact


class AjwConsentState(models.Model):
    _inherit = "ajw.consent.state"

    @api.model
    def _rebuild_command(self, controller_id, check):
        """Rebuild or compare all answers and print what differed; commits after each batch.

        :param int controller_id: one company; all if not given
        :param bool check: only compare
        :return: number of differences
        :raises ValueError: no such controller
        """
        different = 0
        for controller in self.env["ajw.consent.verification"]._command_controllers(controller_id):
            count = 0
            work = self._compare_all if check else self._rebuild_all
            for subjects, differences in work(controller):
                count += len(subjects)
                different += len(differences)
                events = self.env["ajw.consent.event"]
                for difference in differences:
                    print(f"  Event {events.browse(difference.event_id).uuid}: another answer")
                # Memory and locks stay small.
                self.env.cr.commit()  # pylint: disable=invalid-commit
            print(f"Controller {controller.id}: {count} people, {different} answers differed.")
        return different
