import { registry } from "@web/core/registry";

const OPEN = [
    { trigger: "a[data-bs-target='#modalaccept']:visible", run: "click" },
    {
        content: "No box is ticked",
        trigger: ".modal.show .o_ajw_boxes:not(:has(input:checked))",
    },
    {
        content: "Nothing sticks out",
        trigger: ".modal.show .o_ajw_boxes",
        run() {
            if (document.documentElement.scrollWidth > window.innerWidth) {
                throw new Error("The page is wider than the window");
            }
        },
    },
];
const SIGN = [
    { trigger: ".modal.show .o_web_sign_name_and_signature input", run: "fill T. Customer" },
    { trigger: ".modal.show canvas.o_web_sign_signature", run: "canvasNotEmpty" },
    {
        trigger: ".modal.show .o_portal_sign_submit:enabled",
        run: "click",
        expectUnloadPage: true,
    },
    { trigger: "#quote_content:contains('Thank You')" },
];

registry.category("web_tour.tours").add("ajw_consent_sign_unticked", {
    steps: () => [
        ...OPEN,
        ...SIGN,
        {
            content: "Nothing is said about boxes",
            trigger: "body:not(:has(.o_ajw_boxes_done))",
        },
    ],
});

registry.category("web_tour.tours").add("ajw_consent_sign_ticked", {
    steps: () => [
        ...OPEN,
        { trigger: ".modal.show .o_ajw_boxes .form-check:first input", run: "check" },
        ...SIGN,
        { content: "It is said", trigger: ".o_ajw_boxes_done[data-done='asked']" },
    ],
});
