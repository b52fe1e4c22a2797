// The phone page: live updates, replies, buttons, "read".
"use strict";

(() => {
  const number = document.body.dataset.number;
  const device = document.querySelector(".device");
  if (!number || !device) {
    return;
  }
  const list = document.getElementById("conversation");
  const reply = document.getElementById("reply");
  const problem = document.getElementById("problem");
  const business = device.dataset.business;
  const address = (path) =>
    `/phone/${number}/${path}` + (business ? `?business=${encodeURIComponent(business)}` : "");

  async function post(path, body) {
    const answer = await fetch(address(path), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const result = await answer.json();
    if (!answer.ok) {
      throw new Error(result.error || `The sandbox answered ${answer.status}.`);
    }
    return result;
  }

  async function attempt(action) {
    try {
      problem.hidden = true;
      return await action();
    } catch (error) {
      problem.textContent = error.message;
      problem.hidden = false;
      return null;
    }
  }

  const toEnd = () => {
    list.scrollTop = list.scrollHeight;
  };

  async function refresh() {
    const answer = await fetch(address("conversation"));
    if (!answer.ok) {
      return;
    }
    const news = await answer.json();
    document.getElementById("presence").textContent = news.presence;
    if (list.dataset.shown !== news.html) {
      list.innerHTML = news.html;
      list.dataset.shown = news.html;
      toEnd();
    }
    await seen();
  }

  // Only a page that somebody looks at has been read.
  async function seen() {
    const unread = list.querySelector('.message.theirs:not([data-state="read"])');
    if (business && unread && document.visibilityState === "visible") {
      await attempt(() => post("read", {}));
    }
  }

  document.getElementById("reply-form").addEventListener("submit", (event) => {
    event.preventDefault();
    const text = reply.value.trim();
    if (!text) {
      return;
    }
    attempt(async () => {
      await post("reply", { text });
      reply.value = "";
      await refresh();
    });
  });

  document.getElementById("stop").addEventListener("click", () => {
    attempt(async () => {
      await post("reply", { text: "STOP" });
      await refresh();
    });
  });

  const viewer = document.getElementById("viewer");
  list.addEventListener("click", (event) => {
    const quick = event.target.closest(".quick-reply");
    if (quick) {
      attempt(async () => {
        await post("reply", JSON.parse(quick.dataset.answer));
        await refresh();
      });
    }
    const preview = event.target.closest(".preview");
    if (preview) {
      document.getElementById("viewer-name").textContent = preview.dataset.name;
      document.getElementById("viewer-frame").src =
        `${preview.dataset.href}#toolbar=0&navpanes=0`;
      viewer.showModal();
    }
  });
  document.getElementById("viewer-close").addEventListener("click", () => viewer.close());
  viewer.addEventListener("close", () => {
    document.getElementById("viewer-frame").src = "about:blank";
  });

  document.getElementById("options").addEventListener("change", (event) => {
    const name = event.target.dataset.option;
    if (name) {
      attempt(() => post("options", { [name]: event.target.checked }));
    }
  });

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      refresh();
    }
  });

  const events = new EventSource(address("events"));
  events.onmessage = refresh;
  events.onopen = refresh;
  toEnd();
  seen();
})();
