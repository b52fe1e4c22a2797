import { Component } from "@odoo/owl";

import { ConfirmationDialog } from "@web/core/confirmation_dialog/confirmation_dialog";
import { deserializeDateTime, formatDate, formatDateTime } from "@web/core/l10n/dates";
import { localization } from "@web/core/l10n/localization";
import { _t } from "@web/core/l10n/translation";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

const WARNING = [
    "unconfirmed",
    "expired",
    "suspended",
    "notice_changed",
    "number_changed",
    "minor",
    "keyring",
];
const OPENING = ["given", "confirmed", "renewed"];
const CLOSING = ["withdrawn", "refused"];

/** Purposes × numbers as the gate sees them, and the events behind them. */
export class AjwConsentOverview extends Component {
    static template = "ajw_consent.Overview";
    static props = { ...standardFieldProps };

    setup() {
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.orm = useService("orm");
    }

    get overview() {
        return this.props.record.data[this.props.name];
    }

    columnOf(section, key) {
        return section.columns.find((column) => column.key === key);
    }

    badge(cell) {
        if (cell.allowed) {
            return "text-bg-success";
        }
        if (cell.reason === "no_opt_in") {
            return "text-bg-light border";
        }
        return WARNING.includes(cell.reason) ? "text-bg-warning" : "text-bg-danger";
    }

    dot(event) {
        if (OPENING.includes(event.kind)) {
            return "fa-check-circle text-success";
        }
        return CLOSING.includes(event.kind)
            ? "fa-times-circle text-danger"
            : "fa-clock-o text-warning";
    }

    date(value) {
        return formatDate(deserializeDateTime(value));
    }

    time(value) {
        return formatDateTime(deserializeDateTime(value), { format: localization.dateTimeFormat.replace(":ss", "") });
    }

    async reload() {
        await this.props.record.load();
    }

    open(name, resModel, domain) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            name,
            res_model: resModel,
            views: [
                [false, "list"],
                [false, "form"],
            ],
            domain,
        });
    }

    proof(section, row, column) {
        return this.open(_t("Proof"), "ajw.consent.event", [
            ["subject_id.partner_id", "=", this.overview.partner_id],
            ["company_id", "=", section.controller.id],
            ["purpose_code", "=", row.code],
            ["channel", "=", column.channel],
        ]);
    }

    allEvents() {
        return this.open(_t("Ledger"), "ajw.consent.event", [
            ["subject_id.partner_id", "=", this.overview.partner_id],
        ]);
    }

    evidence(event) {
        return this.open(_t("Evidence"), "ajw.consent.evidence", [["event_id", "=", event.id]]);
    }

    wording(event) {
        return this.action.doAction({
            type: "ir.actions.act_window",
            res_model: "ajw.consent.notice",
            res_id: event.notice_id,
            views: [[false, "form"]],
        });
    }

    async record(section, row, column) {
        if (!(await this.props.record.save())) {
            return;
        }
        return this.action.doAction(
            {
                type: "ir.actions.act_window",
                name: _t("Record Consent"),
                res_model: "ajw.consent.record",
                views: [[false, "form"]],
                target: "new",
                context: {
                    default_partner_id: this.overview.partner_id,
                    default_purpose_ids: [[6, 0, [row.id]]],
                    default_channel: column.channel,
                    ...(column.address ? { default_address: column.address } : {}),
                },
            },
            { onClose: () => this.reload() }
        );
    }

    withdraw(row, column, cell) {
        this.dialog.add(ConfirmationDialog, {
            title: _t("Withdraw consent?"),
            body: _t(
                "The person withdraws “%(purpose)s” over %(channel)s %(address)s. It holds at once; only a new opt-in by the person re-opens it.",
                { purpose: row.name, channel: column.label, address: column.address }
            ),
            confirmLabel: _t("Withdraw"),
            confirm: async () => {
                await this.orm.call("ajw.consent.state", "action_withdraw", [cell.withdraw_ids]);
                await this.reload();
            },
            cancel: () => {},
        });
    }
}

registry.category("fields").add("ajw_consent_overview", {
    component: AjwConsentOverview,
    displayName: _t("Consent overview"),
    supportedTypes: ["json"],
});
