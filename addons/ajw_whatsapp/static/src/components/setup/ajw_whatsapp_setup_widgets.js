import { Component, useState } from "@odoo/owl";

import { browser } from "@web/core/browser/browser";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

/** Asks for the number's PIN and hands it on to Meta: it is stored nowhere on the way. */
export class AjwWhatsappRegister extends Component {
    static template = "ajw_whatsapp.Register";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.state = useState({ pin: "", busy: false, answer: null });
    }

    get usable() {
        return /^[0-9]{6}$/.test(this.state.pin) && !this.state.busy;
    }

    async register() {
        if (!(await this.props.record.save())) {
            return;
        }
        const { resModel, resId } = this.props.record;
        const pin = this.state.pin;
        Object.assign(this.state, { busy: true, answer: null });
        try {
            this.state.answer = await this.orm.call(resModel, "action_register_number", [
                [resId],
                pin,
            ]);
            if (this.state.answer.ok) {
                this.state.pin = "";
            }
            await this.props.record.load();
        } finally {
            this.state.busy = false;
        }
    }
}

/** Makes a verify token and shows it this once, to be copied to Meta's dashboard. */
export class AjwWhatsappVerifyToken extends Component {
    static template = "ajw_whatsapp.VerifyToken";
    static props = { ...standardWidgetProps };

    setup() {
        this.orm = useService("orm");
        this.notification = useService("notification");
        this.state = useState({ token: "", busy: false });
    }

    async generate() {
        if (!(await this.props.record.save())) {
            return;
        }
        const { resModel, resId } = this.props.record;
        this.state.busy = true;
        try {
            this.state.token = await this.orm.call(resModel, "action_generate_verify_token", [
                [resId],
            ]);
            await this.props.record.load();
        } finally {
            this.state.busy = false;
        }
    }

    async copy() {
        try {
            await browser.navigator.clipboard.writeText(this.state.token);
            this.notification.add(_t("Copied."), { type: "success" });
        } catch {
            this.notification.add(_t("Select the token and copy it by hand."), {
                type: "warning",
            });
        }
    }
}

registry.category("view_widgets").add("ajw_whatsapp_register", { component: AjwWhatsappRegister });
registry
    .category("view_widgets")
    .add("ajw_whatsapp_verify_token", { component: AjwWhatsappVerifyToken });
