import { Component, onWillUnmount, useState } from "@odoo/owl";

import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

import { AjwWhatsappStatus } from "../status/ajw_whatsapp_status";

const FINAL = ["delivered", "read", "failed", "refused", "cancelled", "uncertain"];
const PAUSE = 2000;
/** Looks: five minutes' worth. */
const LOOKS = 150;

/** Follows one message until it arrived or was given up. */
export class AjwWhatsappLiveState extends Component {
    static template = "ajw_whatsapp.LiveState";
    static components = { AjwWhatsappStatus };
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ state: this.props.record.data.message_state, advice: "", left: LOOKS });
        this.plan();
        onWillUnmount(() => browser.clearTimeout(this.timer));
    }

    get messageId() {
        return this.props.record.data.message_id?.id;
    }

    get finished() {
        return FINAL.includes(this.state.state);
    }

    plan() {
        if (this.messageId && !this.finished && this.state.left > 0) {
            this.timer = browser.setTimeout(() => this.look(), PAUSE);
        }
    }

    async look() {
        this.state.left--;
        const [message] = await this.orm.silent.read(
            "ajw.whatsapp.message",
            [this.messageId],
            ["state", "advice"]
        );
        this.state.state = message.state;
        this.state.advice = message.advice || "";
        this.plan();
    }

    get text() {
        switch (this.state.state) {
            case "delivered":
            case "read":
                return _t("It arrived on your phone: everything works, reports from Meta included.");
            case "sent":
                return _t("Meta sent it. Waiting for the report that it arrived…");
            case "accepted":
                return _t("Meta took it. Waiting for reports: if none come, check the webhook.");
            case "failed":
            case "refused":
            case "uncertain":
                return this.state.advice;
            default:
                return _t("Waiting for the outbox…");
        }
    }
}

registry
    .category("view_widgets")
    .add("ajw_whatsapp_live_state", { component: AjwWhatsappLiveState });
