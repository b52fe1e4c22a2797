import { Component, useState } from "@odoo/owl";

import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const WAITING = { icon: "fa fa-clock-o", color: "text-muted" };

/** How each state of a message looks: ticks as the customer knows them, or an icon. */
const LOOKS = {
    preparing: { ...WAITING, label: _t("PDF is being made") },
    queued: { ...WAITING, label: _t("Queued") },
    sending: { ...WAITING, label: _t("Sending") },
    accepted: { ...WAITING, label: _t("Accepted by WhatsApp") },
    sent: { ticks: 1, color: "text-muted", label: _t("Sent") },
    delivered: { ticks: 2, color: "text-muted", label: _t("Delivered") },
    read: { ticks: 2, color: "o_ajw_whatsapp_read", label: _t("Read") },
    failed: { icon: "fa fa-exclamation-circle", color: "text-danger", label: _t("Failed") },
    uncertain: { icon: "fa fa-question-circle", color: "text-warning", label: _t("Uncertain") },
    refused: { icon: "fa fa-ban", color: "text-danger", label: _t("Refused") },
    cancelled: { icon: "fa fa-times", color: "text-muted", label: _t("Cancelled") },
};

/** The state of one message: icon or ticks, its name, and what to do if it went wrong. */
export class AjwWhatsappStatus extends Component {
    static template = "ajw_whatsapp.Status";
    static props = {
        state: { type: String },
        detail: { type: String, optional: true },
    };

    get look() {
        return LOOKS[this.props.state] || { label: this.props.state };
    }
}

/** Shows the state of the last message of a document, and follows it while the form is open. */
export class AjwWhatsappStatusField extends Component {
    static template = "ajw_whatsapp.StatusField";
    static components = { AjwWhatsappStatus };
    static props = { ...standardFieldProps };

    setup() {
        this.store = useState(useService("mail.store"));
    }

    /** The chatter's notes hear of a change before the record is read again. */
    get state() {
        const { resModel, resId } = this.props.record;
        const thread = this.store.Thread.get({ model: resModel, id: resId });
        const notes = (thread?.messages || []).filter((message) => message.ajw_whatsapp);
        const latest = notes.reduce((a, b) => (a && a.id > b.id ? a : b), undefined);
        const stored = this.props.record.data[this.props.name];
        return (stored && latest?.ajw_whatsapp.state) || stored;
    }
}

export const ajwWhatsappStatusField = {
    component: AjwWhatsappStatusField,
    displayName: _t("WhatsApp status"),
    supportedTypes: ["selection"],
};

registry.category("fields").add("ajw_whatsapp_status", ajwWhatsappStatusField);
