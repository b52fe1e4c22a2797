import { Component, onMounted, onWillUnmount } from "@odoo/owl";

import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const SECONDS = 3;
/** What has left is reported as delivered within moments or much later: look for a few minutes. */
const SECONDS_AFTER = 10;
const LOOKS_AFTER = 18;

/** How far a batch has come; asks again by itself while it is under way and somebody looks. */
export class AjwWhatsappBatchProgress extends Component {
    static template = "ajw_whatsapp.BatchProgress";
    static props = { ...standardWidgetProps };

    setup() {
        this.looksAfter = 0;
        onMounted(() => this.plan());
        onWillUnmount(() => clearTimeout(this.timer));
    }

    get data() {
        return this.props.record.data;
    }

    /** The parts of the bar: share of all messages, and how it looks. */
    get parts() {
        const total = this.data.message_count || 1;
        return [
            ["delivered_count", "bg-success"],
            ["sent_count", "bg-info"],
            ["failed_count", "bg-danger"],
            ["cancelled_count", "bg-secondary"],
        ]
            .map(([name, color]) => ({ name, color, share: (100 * this.data[name]) / total }))
            .filter((part) => part.share);
    }

    plan() {
        clearTimeout(this.timer);
        if (this.data.under_way) {
            this.looksAfter = 0;
            this.timer = setTimeout(() => this.refresh(), SECONDS * 1000);
        } else if (this.data.sent_count && this.looksAfter < LOOKS_AFTER) {
            this.looksAfter++;
            this.timer = setTimeout(() => this.refresh(), SECONDS_AFTER * 1000);
        }
    }

    async refresh() {
        if (document.visibilityState === "visible") {
            await this.props.record.load();
        }
        this.plan();
    }
}

export const ajwWhatsappBatchProgress = {
    component: AjwWhatsappBatchProgress,
    fieldDependencies: [
        { name: "under_way", type: "boolean" },
        { name: "progress", type: "float" },
        ...[
            "message_count",
            "preparing_count",
            "queued_count",
            "sent_count",
            "delivered_count",
            "failed_count",
            "cancelled_count",
        ].map((name) => ({ name, type: "integer" })),
    ],
};

registry.category("view_widgets").add("ajw_whatsapp_batch_progress", ajwWhatsappBatchProgress);
