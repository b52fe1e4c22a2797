import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";

import { AjwWhatsappRowsField } from "./ajw_whatsapp_rows_field";

/** The most frequent reasons why messages were not delivered; each opens its messages. */
export class AjwWhatsappReasonsField extends AjwWhatsappRowsField {
    static template = "ajw_whatsapp.Reasons";

    async open({ state, error_code, refusal_reason }) {
        await this.run("action_view_failures", { state, error_code, refusal_reason });
    }
}

registry.category("fields").add("ajw_whatsapp_reasons", {
    component: AjwWhatsappReasonsField,
    displayName: _t("Reasons of failure"),
    supportedTypes: ["json"],
});
