(function (d, w, n) {
  var s = d.currentScript, a = s.dataset, b = s.src.replace(/\/s\/[^/]*$/, ""), k = a.attribute || "pt", e = "=([\\w-]{40})",
    m = RegExp("[?&]" + k + e).exec(location.search) || RegExp("(?:^|;\\s*)" + k + e).exec(d.cookie), t = m ? m[1] : "";
  function c(v, h) { d.cookie = k + "=" + v + ";max-age=" + h + ";path=/;samesite=lax" + (location.protocol == "https:" ? ";secure" : ""); }
  function g(p, o) { var u = b + p + "?pt=" + t, i; for (i in o) u += "&" + i + "=" + encodeURIComponent(o[i]); new Image().src = u; }
  if (a.consent == "no") c("", 0);
  else if (t && a.consent == "yes" && !n.globalPrivacyControl && n.doNotTrack != "1") c(t, 2592000);
  w.pixeltrack = function (v, o) { g("/v/" + v + ".gif", Object.assign({ by: "script" }, o)); };
  g(s.src.slice(b.length).replace(/\.js.*/, ".gif"), { p: location.pathname });
  if (a.goal) w.pixeltrack(a.goal, { order: a.order || "", value: a.value || "", currency: a.currency || "" });
})(document, window, navigator);
