import { registry } from "@web/core/registry";

const LEAVES = { run: "click", expectUnloadPage: true };

function fits() {
    if (document.documentElement.scrollWidth > window.innerWidth) {
        throw new Error("The page is wider than the window");
    }
    const foreign = performance
        .getEntriesByType("resource")
        .filter((entry) => !entry.name.startsWith(window.location.origin));
    if (foreign.length) {
        throw new Error(`Loaded from elsewhere: ${foreign[0].name}`);
    }
}

registry.category("web_tour.tours").add("ajw_consent_preferences", {
    steps: () => [
        { trigger: "a[href='/my/consents']", ...LEAVES },
        {
            content: "No box is ticked, one a purpose",
            trigger: ".o_ajw_give:has(input[type=checkbox]):not(:has(input:checked))",
            run: fits,
        },
        {
            content: "Agreeing to nothing records nothing",
            trigger: ".o_ajw_give button[value=give]",
            ...LEAVES,
        },
        { trigger: "[data-problem=nothing_ticked]" },
        { trigger: ".o_ajw_give .form-check:contains('Invoices') input", run: "check" },
        { trigger: ".o_ajw_give button[value=give]", ...LEAVES },
        { trigger: "[data-done=give] a[href*='/receipt/']" },
        { trigger: ".o_ajw_choice[data-purpose=invoice][data-reason=ok]", run: fits },
        {
            content: "One click takes it back",
            trigger: ".o_ajw_choice[data-purpose=invoice] button[value=withdraw]",
            ...LEAVES,
        },
        { trigger: "[data-done=withdraw]" },
        { trigger: ".o_ajw_choice[data-purpose=invoice][data-reason=withdrawn]" },
        {
            trigger: ".o_ajw_choice[data-purpose=order] button[value=refuse]",
            ...LEAVES,
        },
        { trigger: ".o_ajw_choice[data-purpose=order][data-reason=refused]" },
        {
            content: "The answers so far, newest first",
            trigger: ".o_ajw_history li:first:contains('Quotations and orders')",
        },
        { trigger: ".o_ajw_history a[href*='/wording/']", ...LEAVES },
        { trigger: ".o_ajw_notice", run: fits },
    ],
});
