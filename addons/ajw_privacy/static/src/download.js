import { registry } from "@web/core/registry";
import { download } from "@web/core/network/download";

/** Downloads a file by POST: the token of the session goes with it. */
registry.category("actions").add("ajw_privacy_download", async (env, action) => {
    await download({ url: action.params.url, data: {} });
});
