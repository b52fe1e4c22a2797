"""Runs in Odoo's shell: everything our add-ons have put into a database, by external id."""

import json
import re

# What a running database counts up, or what is another one in each database by its nature.
VOLATILE = {
    *("id", "create_uid", "create_date", "write_uid", "write_date", "__last_update"),
    *("nextcall", "lastcall", "next_run", "last_run", "failure_count", "first_failure_date"),
    *(
        "user_id",
        "user_ids",
        # of a model that several add-ons extend: the description of the one loaded last
        "info",
        "message_ids",
        "message_follower_ids",
        "activity_ids",
        "website_message_ids",
    ),
    *("arch_prev", "arch_updated", "model_data_id", "module_ids", "parent_path"),
}
# Rows are not listed but their owner has them: selection values, translations of terms.
NAMES = {}


def name_of(record):
    """Return the external id of a record, or what it is called."""
    key = (record._name, record.id)
    if key not in NAMES:
        data = env["ir.model.data"].search(
            [("model", "=", record._name), ("res_id", "=", record.id)], order="id", limit=1
        )
        NAMES[key] = data.complete_name if data else f"{record._name}: {record.display_name}"
    return NAMES[key]


def value_of(record, field):
    value = record[field.name]
    if field.type in ("many2one", "many2one_reference", "reference"):
        if field.type == "many2one_reference":
            return bool(value)
        return name_of(value) if value else None
    if field.type in ("one2many", "many2many"):
        return sorted(name_of(one) for one in value)
    if field.type == "binary":
        return len(value or b"")
    if field.name == "arch_db":
        # Buttons that open an action name it by its number, another one in each database.
        return re.sub(r'(<button\b[^>]*? name=)"\d+"', r'\1"an action"', str(value))
    return str(value)


found = {}
data = env["ir.model.data"].search([("module", "in", ADDONS)], order="model, module, name")
for line in data:
    if line.model not in env:
        found[line.complete_name] = f"the model {line.model} is gone"
        continue
    record = env[line.model].with_context(active_test=False, lang=None).browse(line.res_id)
    if not record.exists():
        found[line.complete_name] = "the record is gone"
        continue
    values = {"noupdate": line.noupdate, "of": line.model}
    for name, field in sorted(record._fields.items()):
        # One2many: the other side is a record of its own.
        if name in VOLATILE or not field.store or field.type == "one2many":
            continue
        if field.related or (field.compute and field.readonly and line.model != "ir.model.fields"):
            continue
        values[name] = value_of(record, field)
    found[line.complete_name] = values
views = env["ir.ui.view"].with_context(active_test=False).search([])
broken = []
for view in views.filtered(lambda one: one.xml_id.partition(".")[0] in ADDONS):
    if not view.active:
        broken.append(f"{view.xml_id}: is not active")
        continue
    try:
        with env.cr.savepoint():
            view._check_xml()
    except Exception as error:  # noqa: BLE001
        broken.append(f"{view.xml_id}: {error}")
print("FACTS " + json.dumps({"records": found, "broken views": broken}))
