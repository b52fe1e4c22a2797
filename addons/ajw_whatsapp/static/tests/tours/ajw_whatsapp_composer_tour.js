import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const COMPOSER = ".modal .o_ajw_whatsapp_composer";

registry.category("web_tour.tours").add("ajw_whatsapp_send_invoice", {
    steps: () => [
        ...stepUtils.statusbarButtonsSteps("Send via WhatsApp"),
        {
            content: "The customer agreed, and the proof is shown",
            trigger: `${COMPOSER} .o_ajw_whatsapp_consent:contains(Agreed for):contains(In person)`,
        },
        {
            content: "The message looks as the customer will see it",
            trigger: `${COMPOSER} .o_ajw_whatsapp_bubble .o_ajw_whatsapp_filename:contains(.pdf)`,
        },
        {
            trigger: `${COMPOSER} .o_ajw_whatsapp_body .o_ajw_whatsapp_bold:contains(INV/)`,
        },
        {
            content: "Confirm",
            trigger: ".modal footer button[name=action_send]",
            run: "click",
        },
        {
            content: "The outcome is on the document",
            trigger: ".o_form_view:not(:has(.modal)) .o_ajw_whatsapp_note [data-state=queued]",
        },
    ],
});

registry.category("web_tour.tours").add("ajw_whatsapp_invoice_read", {
    steps: () => [
        {
            content: "The ticks in the chatter are blue",
            trigger: ".o_ajw_whatsapp_note [data-state=read] svg.o_ajw_whatsapp_read",
        },
    ],
});

registry.category("web_tour.tours").add("ajw_whatsapp_refused_invoice", {
    steps: () => [
        ...stepUtils.statusbarButtonsSteps("Send via WhatsApp"),
        {
            content: "The reason is said",
            trigger: `${COMPOSER} .alert-danger:contains(has not agreed)`,
        },
        {
            content: "There is no way to send",
            trigger: ".modal footer:not(:has(button[name=action_send]))",
        },
        {
            content: "Record what the customer said",
            trigger: `${COMPOSER} button[name=action_record_consent]`,
            run: "click",
        },
        {
            trigger: ".modal [name=note] textarea",
            run: "edit Asked at the counter; said yes.",
        },
        {
            trigger: ".modal footer button[name=action_record]",
            run: "click",
        },
        {
            content: "Back in the composer, now with consent",
            trigger: `${COMPOSER} .o_ajw_whatsapp_consent:contains(Agreed for):contains(In person)`,
        },
        {
            trigger: ".modal footer button[name=action_send]",
        },
        {
            content: "Recording consent has sent nothing",
            trigger: ".modal footer button:contains(Discard)",
            run: "click",
        },
        {
            trigger: "body:not(:has(.modal))",
        },
    ],
});
