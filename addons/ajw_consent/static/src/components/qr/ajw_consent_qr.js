import { Component, xml } from "@odoo/owl";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** Shows a text field that holds a ``data:`` picture as that picture. */
export class AjwConsentQr extends Component {
    static template = xml`<img t-if="source" class="img-fluid" t-att-src="source" t-att-alt="label"/>`;
    static props = { ...standardFieldProps };

    get label() {
        return _t("QR code of the link");
    }

    get source() {
        const value = this.props.record.data[this.props.name] || "";
        return value.startsWith("data:image/png;base64,") ? value : false;
    }
}

registry.category("fields").add("ajw_consent_qr", {
    component: AjwConsentQr,
    supportedTypes: ["text", "char"],
});
