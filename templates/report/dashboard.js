"use strict";
// Asks for this page again now and then, and changes on it what is another.
(() => {
  const every = 3000;
  let tag = "", timer = 0, busy = false;
  const say = (text, state) => {
    const live = document.getElementById("live");
    if (!live) return;
    if (live.textContent !== text) live.textContent = text;
    live.dataset.state = state;
  };
  const clock = () => new Date().toLocaleTimeString();
  // Makes old like fresh, and touches no more than that: frames, scrolling and focus stay.
  const match = (old, fresh) => {
    if (old.isEqualNode(fresh) || old.id === "live") return;
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
      old.replaceWith(document.importNode(fresh, true));
      return;
    }
    if (old.nodeType !== Node.ELEMENT_NODE) {
      old.nodeValue = fresh.nodeValue;
      return;
    }
    for (const { name } of [...old.attributes])
      if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
    for (const { name, value } of fresh.attributes)
      if (old.getAttribute(name) !== value && name !== "open") old.setAttribute(name, value);
    const before = [...old.childNodes], after = [...fresh.childNodes];
    after.forEach((node, n) => {
      if (n < before.length) match(before[n], node);
      else old.append(document.importNode(node, true));
    });
    before.slice(after.length).forEach((node) => node.remove());
  };
  const look = async () => {
    clearTimeout(timer);
    if (document.hidden || busy) return;
    busy = true;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(location.href, { headers, cache: "no-store", redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.reload(); // logged out
      if (answer.status === 200) {
        const first = !tag;
        tag = answer.headers.get("ETag") || "";
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        for (const part of ["header", "main"]) match(document.querySelector(part), fresh.querySelector(part));
        say(first ? "Live" : "Live · changed " + clock(), "live");
      } else if (answer.status !== 304) throw new Error(String(answer.status));
      else if (document.getElementById("live").dataset.state !== "live") say("Live", "live");
    } catch {
      const live = document.getElementById("live");
      if (!live || live.dataset.state !== "lost") say("Not connected since " + clock(), "lost");
    } finally {
      busy = false;
      timer = setTimeout(look, every);
    }
  };
  document.addEventListener("visibilitychange", look);
  look();
})();
