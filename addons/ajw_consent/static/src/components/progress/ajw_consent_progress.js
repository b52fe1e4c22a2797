import { onMounted, onWillUnmount } from "@odoo/owl";
import { registry } from "@web/core/registry";
import { ProgressBarField, progressBarField } from "@web/views/fields/progress_bar/progress_bar_field";

const SECONDS = 3;

/** A progress bar that looks again every few seconds until everything is done. */
export class AjwConsentProgress extends ProgressBarField {
    setup() {
        super.setup();
        onMounted(() => {
            this.timer = setInterval(() => this.refresh(), SECONDS * 1000);
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    async refresh() {
        const { record, name } = this.props;
        if (record.data[name] >= 100) {
            clearInterval(this.timer);
        } else if (!document.hidden && !(await record.isDirty())) {
            await record.load();
        }
    }
}

registry.category("fields").add("ajw_consent_progress", {
    ...progressBarField,
    component: AjwConsentProgress,
});
