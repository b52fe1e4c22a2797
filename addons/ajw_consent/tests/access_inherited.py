"""What every model has from Odoo, tried on ours: reading, writing, importing, following, notifying.

Which methods there are comes from the registry: each public method that a model of ours inherits
is in :data:`NEEDS`, with the right that lets it do something, or in :data:`HARMLESS`. Each is tried
on a real row by roles that lack the right: one without any, of either company, and one with a
lesser one, taken in turn so that every role gets to try. Whatever comes of it, an error or a polite
nothing, no row may change and the answer may not tell more than it tells of a row that does not
exist. A role with the right tries as well, so that nothing passes by being called wrongly.
"""

import itertools
import re
from functools import partial

from odoo import Command
from odoo.exceptions import AccessError
from odoo.service.model import call_kw
from odoo.tools import mute_logger

from .access_registry import inherited_methods, models_of
from .access_roles import MatrixBase, quiet, without_trace

NOBODY = 999_999_999
TODO = "mail.mail_activity_data_todo"
#: A template that renders for any model.
SOURCE = "base.no_contact"
#: The right that the model wants for posting: mostly ``w``.
POST = "post"
#: What attempts that fail on purpose would log.
LOGGERS = ("odoo.sql_db", "odoo.models", "py.warnings", "odoo.addons.mail.models.mail_render_mixin")


#: Methods that are called with values of the model.
OF_THE_MODEL = ("create", "load", "web_save", "write")
#: Errors of who may not, and of what was called wrongly.
WRONG = (AccessError, TypeError, AttributeError, KeyError)


class Try:
    """What one attempt has at hand.

    :param case: the test case
    :param row: the :class:`~.access_roles.Row`
    :param records: the row (or, with ``absent``, one that does not exist), of the user
    """

    def __init__(self, case, row, records):
        self.row, self.records, self.ids = row, records, records.ids
        self.domain = [("id", "in", self.ids)]
        self.values = row.write or {"display_name": "x"}
        self.outsider = case.users["portal"].partner_id
        fields = records._fields
        self.text = next(
            (
                name
                for name, field in fields.items()
                if field.store and field.type in ("char", "text") and not field.groups
            ),
            "id",
        )

    def new(self):
        """Values of another row."""
        return self.row.values(self.records.env)

    def flat(self):
        """Header and line of an import of another row."""
        fields = self.records._fields
        values = {
            name if fields[name].type != "many2one" else f"{name}/.id": str(value)
            for name, value in self.new().items()
            if not isinstance(value, list)
        }
        return [list(values), [list(values.values())]]


#: Method → (right it takes, arguments after the ids, as a function of the :class:`Try`).
NEEDS = {
    "activity_search": ("r", lambda t: [[TODO]]),
    "copy_data": ("r", lambda t: []),
    "export_data": ("r", lambda t: [["id", "display_name"]]),
    "formatted_read_group": ("r", lambda t: [t.domain, [], ["__count", "id:max"]]),
    "formatted_read_grouping_sets": ("r", lambda t: [t.domain, [[]], ["__count"]]),
    "get_field_translations": ("r", lambda t: [t.text]),
    "get_metadata": ("r", lambda t: []),
    "name_search": ("r", lambda t: ["", t.domain]),
    "read": ("r", lambda t: [["display_name", "create_date"]]),
    "read_group": ("r", lambda t: [t.domain, ["id"], ["create_uid"]]),
    "read_progress_bar": (
        "r",
        lambda t: [t.domain, "create_uid", {"field": "create_uid", "colors": {}}],
    ),
    "search": ("r", lambda t: [t.domain]),
    "search_count": ("r", lambda t: [t.domain]),
    "search_read": ("r", lambda t: [t.domain, ["display_name"]]),
    "web_name_search": ("r", lambda t: ["", {"display_name": {}}, t.domain]),
    "web_read": ("r", lambda t: [{"display_name": {}, "create_date": {}}]),
    "web_read_group": ("r", lambda t: [t.domain, ["create_uid"], ["__count"]]),
    "web_search_read": ("r", lambda t: [t.domain, {"display_name": {}}]),
    "action_archive": ("w", lambda t: []),
    "action_reschedule_my_next_nextweek": ("w", lambda t: []),
    "action_reschedule_my_next_today": ("w", lambda t: []),
    "action_reschedule_my_next_tomorrow": ("w", lambda t: []),
    "action_unarchive": ("w", lambda t: []),
    "activity_feedback": ("w", lambda t: [[TODO]]),
    "activity_reschedule": ("w", lambda t: [[TODO]]),
    "activity_schedule": ("w", lambda t: [TODO]),
    "activity_send_mail": ("w", lambda t: [NOBODY]),
    "activity_unlink": ("w", lambda t: [[TODO]]),
    "message_mail_with_source": (POST, lambda t: [SOURCE]),
    "message_post": (POST, lambda t: []),
    "message_post_with_source": (POST, lambda t: [SOURCE]),
    "message_subscribe": ("w", lambda t: [t.outsider.ids]),
    "message_unsubscribe": ("w", lambda t: [t.outsider.ids]),
    "message_update": ("w", lambda t: [{}, t.values]),
    "toggle_active": ("w", lambda t: []),
    "update_field_translations": ("w", lambda t: [t.text, {"en_US": "Forged"}]),
    "web_override_translations": ("w", lambda t: [{t.text: "Forged"}]),
    "web_resequence": ("w", lambda t: [{}, t.text]),
    "web_save": ("w", lambda t: [t.values, {}]),
    "web_save_multi": ("w", lambda t: [[t.values], {}]),
    "write": ("w", lambda t: [t.values]),
    "copy": ("c", lambda t: []),
    "create": ("c", lambda t: [[t.new()]]),
    "load": ("c", lambda t: t.flat()),
    "message_new": ("c", lambda t: [{"subject": "x", "from": "x@example.com"}, t.new()]),
    "name_create": ("c", lambda t: ["Forged"]),
    "unlink": ("u", lambda t: []),
}
#: Methods that tell of the model and not of its rows, and why the rest is of no account.
HARMLESS = {
    "check_access_rights": "tells one's own rights",
    "check_access_rule": "tells one's own rights",
    "check_field_access_rights": "tells one's own rights",
    "copy_translations": "takes records, which RPC cannot give",
    "default_get": "values of a form not yet saved",
    "fields_get": "the fields one may see",
    "get_base_url": "the address of the server",
    "get_empty_list_help": "a text",
    "get_external_id": "names of rows that come with addons",
    "get_formview_action": "repeats the id",
    "get_formview_id": "the id of a view",
    "get_import_templates": "a file that comes with the addon",
    "get_property_definition": "no model of ours has properties",
    "get_view": "a view",
    "get_views": "views",
    "has_access": "tells one's own rights",
    "is_transient": "no method of rows",
    "mail_allowed_qweb_expressions": "a list of expressions",
    "mail_get_partner_fields": "names of fields",
    "message_change_thread": "takes a record, which RPC cannot give",
    "message_get_followers": "who follows what is open to all internal users in Odoo",
    "message_notify": "one's own words to users and contacts one may write to anyway",
    "message_parse": "reads a mail that the caller brings",
    "message_process": "the mail gateway, see the models' message_new",
    "message_route": "the mail gateway, see the models' message_new",
    "notify_cancel_by_type": "one's own notifications",
    "onchange": "a form not yet saved",
    "search_panel_select_multi_range": "no view of ours has such a panel",
    "search_panel_select_range": "no view of ours has such a panel",
    "view_header_get": "a text",
}


class InheritedMatrixMixin(MatrixBase):
    """Tests of the methods that an addon's models inherit."""

    MODELS = {}
    LEDGER = ()

    #: ``model.method`` → why it works for some who lack the right.
    WIDER = {}
    #: ``model.method`` → why it is refused to those, too, who have the right.
    CLOSED = {}
    #: Models with a conversation that tells of people: only who may read the row may follow it.
    CONFIDENTIAL = ()
    #: Other models with a conversation, and why outsiders may follow it.
    OPEN_THREADS = {}

    def setUp(self):
        super().setUp()
        self._refuse_briefly()
        # An import that fails sets the models up anew, in a transaction of its own, where a test
        # has added some: that transaction would wait for ours.
        self.patch(type(self.registry), "reset_changes", lambda registry: None)

    def _call_inherited(self, method, row, records):
        """Call a method as RPC does.

        :return: the error and the result; one of them is ``None``
        """
        attempt = Try(self, row, records)
        _right, arguments = NEEDS[method]
        try:
            with self.env.cr.savepoint():
                self.env.invalidate_all()
                arguments = arguments(attempt)
                if not getattr(getattr(type(records), method), "_api_model", False):
                    arguments.insert(0, attempt.ids)
                result = call_kw(records.browse(), method, arguments, {})
                self.env.flush_all()
        except Exception as error:  # noqa: BLE001  # what it is does not matter: nothing was done
            return error, None
        return None, result

    def _tells(self, method, row, records):
        """Whether an answer tells more of the row than of one that does not exist."""
        error, result = self._call_inherited(method, row, records)
        if error or not result or isinstance(result, bool) or method == "load":
            return False
        _error, nothing = self._call_inherited(method, row, records.browse(NOBODY))
        ids = re.compile(rf"\b({records.id}|{NOBODY})\b")
        return ids.sub("#", repr(result)) != ids.sub("#", repr(nothing))

    def _right(self, model, method):
        """The right that a method takes on a model."""
        right = NEEDS[method][0]
        if right == POST:
            return "r" if self.env[model]._mail_post_access == "read" else "w"
        return right

    def _deniers(self, model, right, turn, own):
        """Roles that lack a right to the row, one of each kind, in turn."""
        kinds = {}
        for role in self.users:
            rights = self._of_role(self.MODELS[model], role, "")
            if (right not in rights) or (own and right != "c"):
                kinds.setdefault("".join(sorted(rights)), []).append(role)
        return [roles[turn % len(roles)] for roles in kinds.values()]

    def _inherited(self):
        """Yield the models with rows, and the inherited methods to be tried on each."""
        for model in self.MODELS:
            if not self.env[model]._abstract:
                yield model, [name for name in NEEDS if hasattr(type(self.env[model]), name)]

    def test_A6_every_inherited_method_is_known(self):
        for model in models_of(self.env, self.addon):
            unknown = inherited_methods(self.env[model]) - set(NEEDS) - set(HARMLESS)
            self.assertFalse(unknown, f"{model}: say what right these need")

    def test_A6_inherited_methods_follow_the_rights(self):
        differences, turns = [], itertools.count()
        for model, methods in self._inherited():
            with mute_logger(*LOGGERS), quiet(), without_trace(self.env.cr):
                row = self._row(model)
                before, outside = self._fingerprint(), self._outside()
                for method in methods:
                    right, turn = self._right(model, method), next(turns)
                    if f"{model}.{method}" in self.WIDER:
                        continue
                    for role in self._deniers(model, right, turn, row.own):
                        records = row.record.with_env(self._env_of(self.users[role]))
                        if self._tells(method, row, records):
                            differences.append(f"{model}.{method} tells {role} of a row")
                changed = self._changed(before)
                if changed or self._outside() != outside:
                    differences.append(f"{model}: {changed} changed without a right")
        self._assert_table(differences)

    def test_A6_inherited_methods_work_for_who_has_the_right(self):
        differences = []
        for turn, (model, methods) in enumerate(self._inherited()):
            with mute_logger(*LOGGERS), quiet(), without_trace(self.env.cr):
                row = self._row(model)
                # what is called alike on every model is tried on some
                for method in [
                    name
                    for place, name in enumerate(methods)
                    if name in OF_THE_MODEL or (place + turn) % 4 == 0
                ]:
                    right = self._right(model, method)
                    able = [
                        role
                        for role in self.users
                        if right in self._of_role(self.MODELS[model], role, "")
                        and self.roles[role].company == "a"
                    ]
                    if not able or (row.own and (right != "c" or method == "copy")):
                        continue
                    records = row.record.with_env(self._env_of(self.users[able[-1]]))
                    with without_trace(self.env.cr):
                        error, _result = self._call_inherited(method, row, records)
                    wrong = isinstance(error, WRONG)
                    if wrong and f"{model}.{method}" not in self.CLOSED:
                        differences.append(f"{model}.{method} as {able[-1]}: {error!r}")
        self._assert_table(differences)

    def test_A2_ledger_refuses_superuser_whatever_the_method(self):
        for model, methods in self._inherited():
            if model not in self.LEDGER:
                continue
            with mute_logger(*LOGGERS), quiet(), without_trace(self.env.cr):
                row = self._row(model)
                before = self._fingerprint()
                for method in methods:
                    if NEEDS[method][0] != "r":
                        self._call_inherited(method, row, row.record.sudo())
                        changed = self._changed(before)
                        self.assertNotIn(self.env[model]._table, changed, f"{model}.{method}")

    # -- conversations ---------------------------------------------------------------------------

    def test_A6_every_conversation_is_confidential_or_says_why_not(self):
        threads = {
            model
            for model in models_of(self.env, self.addon)
            if "message_follower_ids" in self.env[model]._fields and not self.env[model]._abstract
        }
        self.assertEqual(threads, {*self.CONFIDENTIAL, *self.OPEN_THREADS})

    def test_A6_outsiders_follow_no_confidential_conversation(self):
        outsiders = [self.users[role].partner_id for role in ("portal", "internal", "officer_b")]
        outsiders.append(self.env["res.partner"].create({"name": "Another customer"}))
        colleague = self._create_role("colleague", "ajw_consent.group_officer", self.company)
        for model in self.CONFIDENTIAL:
            row = self._row(model)
            records = row.record.with_env(self._env_of(self.users["officer"]))
            for partner in outsiders:
                for way in (_subscribe, _autofollow, _author, _partners, _followers, _wizard):
                    with quiet(), without_trace(self.env.cr):
                        self._allowed(partial(way, records, partner), guarded=True, keep=True)
                        followers = row.record.sudo().message_partner_ids
                        self.assertNotIn(partner, followers, f"{model} by {way.__name__}")
            records.message_subscribe(colleague.partner_id.ids)
            self.assertIn(colleague.partner_id, row.record.message_partner_ids)


# Ways to make somebody follow a record.


def _subscribe(records, partner):
    records.message_subscribe(partner.ids)


def _autofollow(records, partner):
    records.with_context(mail_post_autofollow=True).message_post(partner_ids=partner.ids)


def _author(records, partner):
    records.message_post(author_id=partner.id)


def _partners(records, partner):
    records.write({"message_partner_ids": [Command.link(partner.id)]})


def _followers(records, partner):
    values = {"res_model": records._name, "partner_id": partner.id}
    records.write({"message_follower_ids": [Command.create(values)]})


def _wizard(records, partner):
    values = {"res_model": records._name, "res_ids": str(records.ids)}
    wizard = records.env["mail.followers.edit"].create(
        {**values, "partner_ids": [Command.set(partner.ids)]}
    )
    wizard.edit_followers()
