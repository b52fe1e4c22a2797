import { registry } from "@web/core/registry";

/** An officer takes a request from new to answered. Buttons hide behind a menu on a phone. */
const press = (name) => [
    {
        content: `Press ${name}, or open the menu it hides in`,
        trigger: `.o_form_view button[name=${name}]:visible, .o_statusbar_buttons .dropdown-toggle:visible, .o_cp_action_menus button:visible`,
        run() {
            const direct = document.querySelector(`.o_form_statusbar button[name=${name}]`);
            if (direct) {
                direct.click();
            } else {
                document.querySelector(".o_statusbar_buttons .dropdown-toggle").click();
            }
        },
    },
];

const note = (text) => [
    { trigger: ".modal [name=note] textarea", run: `edit ${text}` },
    { trigger: ".modal button[name=action_apply]", run: "click" },
    { trigger: "body:not(:has(.modal))" },
];

registry.category("web_tour.tours").add("ajw_privacy_request_tour", {
    steps: () => [
        ...press("action_verify_document"),
        {
            trigger:
                ".modal [name=note] textarea, .o-dropdown--menu button[name=action_verify_document]",
            run() {
                const hidden = document.querySelector(
                    ".o-dropdown--menu button[name=action_verify_document]"
                );
                if (hidden) {
                    hidden.click();
                }
            },
        },
        ...note("Passport seen"),
        { trigger: ".o_form_view [name=verified_method]:contains(document)" },
        { trigger: "button[name=action_make_package]", run: "click" },
        { trigger: "button[name=action_answer]", run: "click" },
        ...note("Copy given in the portal"),
        { trigger: ".o_form_statusbar:contains(Answered):not(:has(button[name=action_answer]))" },
    ],
});

registry.category("web_tour.tours").add("ajw_privacy_portal_tour", {
    url: "/my/privacy",
    steps: () => [
        { trigger: "#privacy_kind", run: "selectByIndex 1" },
        { trigger: "#privacy_message", run: "edit Please show me" },
        {
            trigger: ".o_ajw_privacy_form button[type=submit]",
            run: "click",
            expectUnloadPage: true,
        },
        { trigger: ".alert-success" },
        { trigger: ".o_ajw_privacy_request:contains(Access)" },
    ],
});
