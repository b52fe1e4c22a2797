import { patch } from "@web/core/utils/patch";
import { SignatureForm } from "@portal/signature_form/signature_form";

patch(SignatureForm.prototype, {
    /** Sends the boxes that were ticked beside the signature, and nothing when none was. */
    async onClickSubmit() {
        const boxes = this.rootRef.el.closest("form, main")?.querySelector(".o_ajw_boxes");
        const ticked = boxes ? [...boxes.querySelectorAll("input:checked")] : [];
        this.ajwCallUrl ??= this.props.callUrl;
        let callUrl = this.ajwCallUrl;
        if (ticked.length) {
            const query = new URLSearchParams({
                ajw_notice: boxes.dataset.notice,
                ajw_lang: boxes.dataset.lang,
            });
            ticked.forEach((box) => query.append("ajw_choice", box.value));
            callUrl += (callUrl.includes("?") ? "&" : "?") + query;
        }
        this.props = { ...this.props, callUrl };
        return super.onClickSubmit(...arguments);
    },
});
