// Keeps open pages current. A part of the page names, in data-live, a stream
// of its newer versions, and in data-part an address that answers with the
// newest one, for when there is no stream.
"use strict";

(() => {
  // HTTP/1.1 allows a browser six connections to one host. However many tabs
  // are open, all together keep at most three of them; the others ask now and
  // then.
  const slots = 3;
  const withoutSlot = () => 4000 + Math.random() * 2000;
  const refused = () => 10000 + Math.random() * 10000;

  let stream = null;
  let leaveSlot = null;
  let timer = 0;
  // Counts starts and stops: what began before the latest is over.
  let turn = 0;

  const livePart = () => document.querySelector("[data-live]");

  // A slot is a lock of this browser that the tab holds until it is closed.
  // Browsers give no locks to plain http from another host; there, only the
  // tab that one looks at has a stream.
  const takeSlot = async () => {
    if (!navigator.locks) return () => {};
    for (let i = 0; i < slots; i++) {
      const leave = await new Promise((resolve) => {
        navigator.locks
          .request(`rowlock-live-${i}`, { ifAvailable: true }, (lock) => lock ? new Promise((over) => resolve(over)) : resolve(null))
          .catch(() => resolve(null));
      });
      if (leave) return leave;
    }
    return null;
  };

  const stop = () => {
    turn++;
    clearTimeout(timer);
    stream?.close();
    leaveSlot?.();
    stream = leaveSlot = null;
  };

  const start = async () => {
    stop();
    if (document.hidden || !livePart()) return;
    const mine = turn;
    const leave = await takeSlot();
    if (mine !== turn) {
      leave?.();
      return;
    }
    if (!leave) {
      timer = setTimeout(ask, withoutSlot());
      return;
    }
    leaveSlot = leave;
    stream = new EventSource(livePart().dataset.live);
    stream.onmessage = (message) => receive(message.data);
    // A stream that breaks is opened again by the browser; one that is refused
    // is not.
    stream.onerror = () => {
      if (stream?.readyState !== EventSource.CLOSED) return;
      stop();
      timer = setTimeout(ask, refused());
    };
  };

  // look asks for the part once, and tells whether asking again makes sense.
  const look = async () => {
    const mine = turn;
    try {
      const answer = await fetch(livePart().dataset.part, { headers: { "HX-Request": "true" } });
      const text = answer.ok ? await answer.text() : "";
      if (text && mine === turn) receive(text);
      // Signed out, or gone: nothing more will come.
      return answer.ok || answer.status >= 500;
    } catch {
      return true; // out of reach; perhaps not the next time
    }
  };

  // ask looks once, and then tries for a stream again.
  const ask = async () => {
    const mine = turn;
    if (livePart() && await look() && mine === turn) start();
  };

  const receive = (text) => {
    const parts = document.createElement("template");
    parts.innerHTML = text;
    for (const next of [...parts.content.children]) {
      const shown = next.id && document.getElementById(next.id);
      if (!shown || isOlder(next, shown)) continue;
      if (next.id === "booking") showBooking(shown, next);
      else if (!shown.isEqualNode(next)) swap(shown, next);
    }
    if (!livePart()) stop();
  };

  // An answer to the visitor's own click may be newer than what was under way.
  const isOlder = (next, shown) => Number(next.dataset.version) < Number(shown.dataset.version);

  const swap = (shown, next) => {
    shown.replaceWith(next);
    window.htmx?.process(next);
    const said = next.querySelector("[data-announce]");
    if (said) announce(said.textContent);
  };

  const announce = (text) => {
    const announcer = document.getElementById("announcer");
    text = text.replace(/\s+/g, " ").trim();
    if (announcer && announcer.textContent !== text) announcer.textContent = text;
  };

  // The booking box takes new numbers at once. What can be done in it comes
  // only when it is different, and is never changed under the visitor's hands:
  // then it is held back.
  let held = null;
  let heldStub = null;
  const showBooking = (shown, next) => {
    const stub = shown.querySelector(".pass-stub");
    const newStub = next.querySelector(".pass-stub") ?? heldStub;
    const differs = next.dataset.shows !== stub.dataset.shows;
    const news = next.dataset.booking !== shown.dataset.booking || next.dataset.place !== shown.dataset.place;
    held = heldStub = null;
    if (differs && newStub?.dataset.shows !== next.dataset.shows) {
      look();
      return;
    }
    if (differs && inUse(stub, news)) {
      held = next;
      heldStub = newStub;
      setTimeout(showHeld, 500);
    }
    // How the visitor stands is told in one piece, above and below.
    if (!held || !news) showSeats(shown, next);
    if (differs && !held) showStub(stub, newStub, news);
  };

  const showHeld = () => {
    const shown = document.getElementById("booking");
    if (held && shown && !isOlder(held, shown)) showBooking(shown, held);
  };

  const showStub = (stub, newStub, news) => {
    const hadFocus = stub.contains(document.activeElement);
    stub.replaceWith(newStub);
    window.htmx?.process(newStub);
    if (!news) return;
    const said = newStub.querySelector("[data-announce], h2") ?? newStub.firstElementChild;
    announce(said.textContent);
    if (hadFocus) {
      said.tabIndex = -1;
      said.focus({ preventScroll: true });
    }
  };

  const showSeats = (shown, next) => {
    for (const name of next.getAttributeNames()) shown.setAttribute(name, next.getAttribute(name));
    for (const name of ["data-place", "data-live", "data-part"]) {
      if (!next.hasAttribute(name)) shown.removeAttribute(name);
    }
    const top = shown.querySelector(".pass-top");
    const newTop = next.querySelector(".pass-top");
    if (!top.isEqualNode(newTop)) top.replaceWith(newTop.cloneNode(true));
  };

  // News about the visitor's own seat waits until nothing was pressed for a few
  // seconds; anything else waits until the keyboard, or an open question, is
  // elsewhere.
  let touched = 0;
  for (const kind of ["pointerdown", "keydown"]) {
    document.addEventListener(kind, () => { touched = Date.now(); }, { capture: true, passive: true });
  }
  const inUse = (stub, news) => {
    if (stub.querySelector("form[data-sent]") || stub.matches(":active")) return true;
    const keyboard = document.activeElement !== stub && stub.contains(document.activeElement) && document.activeElement.tabIndex >= 0;
    const question = stub.querySelector("details[open]");
    return Boolean(keyboard || question) && (!news || Date.now() - touched < 5000);
  };

  // Nobody looks at a hidden tab; shown again, it catches up.
  let wasHidden = document.hidden;
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) stop();
    else if (wasHidden) show();
    wasHidden = document.hidden;
  });
  window.addEventListener("pagehide", stop);
  window.addEventListener("pageshow", (event) => { if (event.persisted) show(); });

  const show = async () => {
    await start();
    if (stream || !livePart()) return;
    clearTimeout(timer);
    ask();
  };

  start();
})();
