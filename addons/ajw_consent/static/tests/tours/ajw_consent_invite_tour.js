import { registry } from "@web/core/registry";

registry.category("web_tour.tours").add("ajw_consent_invite", {
    steps: () => [
        {
            content: "Open the actions of the contact",
            trigger: ".o_control_panel .o_cp_action_menus button:has(.fa-cog), .o_cp_action_menus .o-dropdown:has(.fa-cog)",
            run: "click",
        },
        {
            trigger: ".o-dropdown--menu .dropdown-item:contains(Invite to opt in)",
            run: "click",
        },
        {
            content: "It is said who will be asked, about what, before anything is sent",
            trigger: ".modal .o_ajw_consent_invite [name=line_ids]:contains(Test Customer):contains(Invoices)",
        },
        {
            trigger: ".modal .o_ajw_consent_invite [name=invitee_count]:contains(1)",
        },
        {
            trigger: ".modal footer button[name=action_invite]",
            run: "click",
        },
        {
            content: "How it gets on is shown",
            trigger: ".o_form_view .o_field_ajw_consent_progress",
        },
        {
            trigger: ".o_form_view [name=queued_count]:contains(1)",
        },
        {
            isActive: ["desktop"],
            trigger: "button[name=action_open_invitations]",
            run: "click",
        },
        {
            isActive: ["desktop"],
            trigger: ".o_list_view, .o_kanban_view",
        },
        {
            isActive: ["desktop"],
            trigger: ".o_content:contains(Test Customer):contains(Queued)",
        },
    ],
});
