import { Component } from "@odoo/owl";

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const LOOKS = {
    ok: { icon: "fa fa-check-circle text-success", label: _t("In order") },
    bad: { icon: "fa fa-times-circle text-danger", label: _t("Missing or wrong") },
    unknown: { icon: "fa fa-question-circle text-warning", label: _t("Not known") },
};

/** The rows of the self-test: what is in order, what is not, and a way to where it is put right. */
export class AjwWhatsappChecksField extends Component {
    static template = "ajw_whatsapp.Checks";
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get rows() {
        return this.props.record.data[this.props.name] || [];
    }

    look(row) {
        return LOOKS[row.result] || LOOKS.unknown;
    }

    async open(row) {
        const { resModel, resId } = this.props.record;
        const action = await this.orm.call(resModel, "action_open_check", [[resId], row.key]);
        await this.action.doAction(action);
    }
}

registry.category("fields").add("ajw_whatsapp_checks", {
    component: AjwWhatsappChecksField,
    displayName: _t("WhatsApp self-test"),
    supportedTypes: ["json"],
});
