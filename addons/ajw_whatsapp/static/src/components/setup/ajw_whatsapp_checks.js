import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

import { AjwWhatsappRowsField } from "../overview/ajw_whatsapp_rows_field";

const LOOKS = {
    ok: { icon: "fa fa-check-circle text-success", label: _t("In order") },
    bad: { icon: "fa fa-times-circle text-danger", label: _t("Missing or wrong") },
    unknown: { icon: "fa fa-question-circle text-warning", label: _t("Not known") },
};

/** The rows of the self-test: what is in order, what is not, and a way to where it is put right. */
export class AjwWhatsappChecksField extends AjwWhatsappRowsField {
    static template = "ajw_whatsapp.Checks";

    look(row) {
        return LOOKS[row.result] || LOOKS.unknown;
    }

    async open(row) {
        await this.run("action_open_check", row.key);
    }
}

registry.category("fields").add("ajw_whatsapp_checks", {
    component: AjwWhatsappChecksField,
    displayName: _t("WhatsApp self-test"),
    supportedTypes: ["json"],
});
