import { patch } from "@web/core/utils/patch";
import { PaymentForm } from "@payment/interactions/payment_form";

patch(PaymentForm.prototype, {
    /** Sends the boxes that were ticked beside the payment, and nothing when none was. */
    _prepareTransactionRouteParams() {
        const params = super._prepareTransactionRouteParams(...arguments);
        const boxes = this.el.querySelector(".o_ajw_boxes");
        const ticked = boxes ? [...boxes.querySelectorAll("input:checked")] : [];
        if (ticked.length) {
            params.ajw_choices = ticked.map((box) => box.value);
            params.ajw_notice = boxes.dataset.notice;
            params.ajw_lang = boxes.dataset.lang;
        }
        return params;
    },
});
