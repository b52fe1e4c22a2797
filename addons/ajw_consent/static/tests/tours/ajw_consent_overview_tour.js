import { registry } from "@web/core/registry";

const CELL = ".o_ajw_consent_matrix [data-purpose=invoice] [data-key^='whatsapp:']";

registry.category("web_tour.tours").add("ajw_consent_overview", {
    steps: () => [
        {
            trigger: ".o_notebook .nav-link:contains(Consents)",
            run: "click",
        },
        {
            content: "What the gate answers, in words",
            trigger: `${CELL}[data-reason=ok] .badge:contains(Allowed)`,
        },
        {
            trigger: ".o_ajw_consent_matrix [data-purpose=order] [data-reason=no_opt_in] .badge:contains(Not asked)",
        },
        {
            trigger: ".o_ajw_consent_timeline li:contains(Given):contains(In person)",
        },
        {
            content: "Nothing is withdrawn before it is confirmed",
            trigger: `${CELL} button:contains(Withdraw)`,
            run: "click",
        },
        {
            trigger: ".modal:contains(Invoices) button:contains(Withdraw)",
            run: "click",
        },
        {
            trigger: `body:not(:has(.modal)) ${CELL}[data-reason=withdrawn] .badge:contains(Withdrawn)`,
        },
        {
            trigger: ".o_ajw_consent_timeline li:first-child:contains(Withdrawn)",
        },
        {
            content: "Another answer is recorded where it is missing",
            trigger:
                ".o_ajw_consent_matrix [data-purpose=order] [data-key^='whatsapp:'] button:contains(Record)",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=decision] input[data-value=refused]",
            run: "click",
        },
        {
            trigger: ".modal .o_field_widget[name=decision] input[data-value=refused]:checked",
        },
        {
            content: "The form knows: no wording is asked for with a no",
            trigger: ".modal:not(:has([name=notice_id])) .o_field_widget[name=address]",
        },
        {
            trigger: ".modal footer button[name=action_record]",
            run: "click",
        },
        {
            trigger:
                "body:not(:has(.modal)) .o_ajw_consent_matrix [data-purpose=order] [data-key^='whatsapp:'][data-reason=refused] .badge:contains(Refused)",
        },
        {
            content: "The proof of an answer",
            trigger: `${CELL} button:contains(Proof)`,
            run: "click",
        },
        {
            trigger: ".o_control_panel:contains(Proof), .o_breadcrumb:contains(Proof)",
        },
        {
            trigger: ".o_content:contains(Test Customer):contains(Withdrawn):contains(Given)",
        },
    ],
});
