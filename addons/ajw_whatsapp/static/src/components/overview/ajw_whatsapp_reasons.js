import { Component } from "@odoo/owl";

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** The most frequent reasons why messages were not delivered; each opens its messages. */
export class AjwWhatsappReasonsField extends Component {
    static template = "ajw_whatsapp.Reasons";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get rows() {
        return this.props.record.data[this.props.name] || [];
    }

    async open(row) {
        const { resModel, resId } = this.props.record;
        const reason = {
            state: row.state,
            error_code: row.error_code,
            refusal_reason: row.refusal_reason,
        };
        await this.action.doAction(
            await this.orm.call(resModel, "action_view_failures", [[resId], reason])
        );
    }
}

registry.category("fields").add("ajw_whatsapp_reasons", {
    component: AjwWhatsappReasonsField,
    displayName: _t("Reasons of failure"),
    supportedTypes: ["json"],
});
