import { Component } from "@odoo/owl";

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

import { parseWhatsappText } from "./whatsapp_text";

const CLASSES = {
    bold: "o_ajw_whatsapp_bold",
    italic: "fst-italic",
    strike: "text-decoration-line-through",
    monospace: "font-monospace",
};
const BUTTON_ICONS = { URL: "fa-external-link", PHONE_NUMBER: "fa-phone", QUICK_REPLY: "fa-reply" };

/** The message as the customer's telephone will show it. */
export class AjwWhatsappPreview extends Component {
    static template = "ajw_whatsapp.Preview";
    static props = { ...standardFieldProps };

    get message() {
        return this.props.record.data[this.props.name];
    }

    get body() {
        return parseWhatsappText(this.message.body).map(({ text, styles }) => ({
            text,
            classes: styles.map((style) => CLASSES[style]).join(" "),
        }));
    }

    buttonIcon(button) {
        return BUTTON_ICONS[button.type.toUpperCase()] || "fa-reply";
    }
}

export const ajwWhatsappPreview = {
    component: AjwWhatsappPreview,
    displayName: _t("WhatsApp message preview"),
    supportedTypes: ["json"],
};

registry.category("fields").add("ajw_whatsapp_preview", ajwWhatsappPreview);
