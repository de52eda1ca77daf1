// What pages gain from a script, beside htmx. Nothing here is needed: every
// page works without it. What it says stands in the page, in the page's
// language.
"use strict";

(() => {
  // The pressed button of a form is busy until the answer is there. One that
  // changes something says what is happening, and its form is sent once: a
  // second click or key press while the first is on its way is dropped.
  const busy = new WeakMap();

  const begin = (form, button) => {
    if (!button) return;
    busy.set(form, { button, label: [...button.childNodes] });
    button.setAttribute("aria-busy", "true");
    if (button.dataset.busy) button.textContent = button.dataset.busy;
  };

  const end = (form) => {
    const was = busy.get(form);
    busy.delete(form);
    delete form.dataset.sent;
    if (!was) return;
    was.button.removeAttribute("aria-busy");
    was.button.replaceChildren(...was.label);
  };

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (form.method === "post") form.dataset.sent = "yes";
    // After the form's own data has been read: a changed button would change it.
    setTimeout(() => begin(form, event.submitter || form.querySelector("button")), 0);
  }, true);

  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest && event.target.closest("form");
    if (form) end(form);
  });

  // A page that comes back from the browser's memory is not busy any more.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    [...document.forms].forEach(end);
  });

  // What a swap says is read out, and a keyboard that stood on something that
  // the swap took away stands on what was said.
  let stoodInside = false;
  document.addEventListener("htmx:beforeSwap", (event) => {
    stoodInside = event.detail.target.contains(document.activeElement);
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const part = event.target.id ? document.getElementById(event.target.id) : null;
    if (!part) return;
    const said = part.querySelector("[data-announce]");
    const announcer = document.getElementById("announcer");
    if (said && announcer && said.textContent !== announcer.textContent) {
      announcer.textContent = said.textContent;
    }
    if (said && stoodInside && !part.contains(document.activeElement)) {
      said.tabIndex = -1;
      said.focus({ preventScroll: true });
    }
  });

  // The network failing is said, too.
  document.addEventListener("htmx:sendError", () => {
    const place = document.getElementById("trouble");
    if (!place) return;
    const note = document.createElement("p");
    note.className = "flash flash-failed";
    note.textContent = place.dataset.trouble;
    place.replaceChildren(note);
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.requestConfig.verb === "post") document.getElementById("trouble")?.replaceChildren();
  });

  // An event in another zone also tells its start by the visitor's own clock.
  const tellYours = () => {
    const lang = document.documentElement.lang;
    const language = lang === "en" ? "en-GB" : lang;
    for (const place of document.querySelectorAll("[data-yours]")) {
      const yours = Intl.DateTimeFormat().resolvedOptions().timeZone;
      const start = new Date(place.dataset.start);
      const options = { weekday: "short", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
      const at = (timeZone) => start.toLocaleString(language, { ...options, timeZone });
      try {
        if (!yours || at(yours) === at(place.dataset.zone)) continue;
        place.textContent = place.dataset.yours.replace("…", at(yours).replace(" at ", ", "));
        place.hidden = false;
      } catch {
        // A zone that this browser does not know: the event's own time stands.
      }
    }
  };
  tellYours();

  // A link to share is copied with one press, where the browser lets a page.
  const copy = async (button) => {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      button.textContent = button.dataset.copied;
      const announcer = document.getElementById("announcer");
      if (announcer) announcer.textContent = button.dataset.said;
    } catch {
      // It is selected: a key press copies it.
    }
  };
  if (navigator.clipboard) {
    for (const button of document.querySelectorAll("[data-copy]")) {
      button.hidden = false;
      button.addEventListener("click", () => copy(button));
    }
  }
})();
