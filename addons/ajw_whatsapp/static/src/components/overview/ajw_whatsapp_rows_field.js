import { Component } from "@odoo/owl";

import { useService } from "@web/core/utils/hooks";
import { standardFieldProps } from "@web/views/fields/standard_field_props";

/** A JSON field that holds rows; each leads to an action of the record. */
export class AjwWhatsappRowsField extends Component {
    static props = { ...standardFieldProps };

    setup() {
        this.orm = useService("orm");
        this.action = useService("action");
    }

    get rows() {
        return this.props.record.data[this.props.name] || [];
    }

    /** Do what a method of the record returns. */
    async run(method, ...args) {
        const { resModel, resId } = this.props.record;
        await this.action.doAction(await this.orm.call(resModel, method, [[resId], ...args]));
    }
}
