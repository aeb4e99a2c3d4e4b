/* Dispatches `wy:tick` every 15 seconds for parts with hx-trigger="wy:tick from:body".

   Stops while the page is hidden and comes at once when it is seen again. Leaves a part alone while somebody types in
   it, has changed a field or ticked a row, has unfolded an act, or has a dialog open. A refresh is no use of the
   session (X-Refresh), and names the version it has (data-version), so that the server may answer 204: nothing new. */
(function () {
  'use strict';
  var EVERY = 15000;
  var last = Date.now();

  function tick() {
    if (document.hidden) { return; }
    last = Date.now();
    document.body.dispatchEvent(new CustomEvent('wy:tick', {bubbles: false}));
  }

  function isRefresh(event) {
    var cause = event.detail && event.detail.requestConfig && event.detail.requestConfig.triggeringEvent || event.detail && event.detail.triggeringEvent;
    return !!cause && cause.type === 'wy:tick';
  }

  function isOccupied(part) {
    var focused = document.activeElement;
    if (focused && focused !== part && part.contains(focused) && focused.matches('input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable]')) { return true; }
    if (document.querySelector('dialog[open]')) { return true; }
    return !!part.querySelector('[data-edited],[data-row-tick]:checked,details.act[open],details.menu[open]');
  }

  setInterval(function () { if (Date.now() - last >= EVERY - 50) { tick(); } }, 1000);
  document.addEventListener('visibilitychange', function () { if (!document.hidden && Date.now() - last > 2000) { tick(); } });

  document.addEventListener('input', function (event) {
    if (event.target.matches('input,textarea,select') && !event.target.matches('[data-row-tick],[data-all-ticks]')) { event.target.setAttribute('data-edited', ''); }
  });
  document.addEventListener('reset', function (event) {
    Array.prototype.forEach.call(event.target.querySelectorAll('[data-edited]'), function (field) { field.removeAttribute('data-edited'); });
  });

  document.addEventListener('htmx:configRequest', function (event) {
    if (!isRefresh(event)) { return; }
    event.detail.headers['X-Refresh'] = '1';
    var version = event.detail.elt.getAttribute('data-version');
    if (version) { event.detail.headers['X-Version'] = version; }
  });
  document.addEventListener('htmx:beforeRequest', function (event) {
    if (isRefresh(event) && isOccupied(event.detail.target)) { event.preventDefault(); }
  });
  document.addEventListener('htmx:beforeSwap', function (event) {
    // Somebody may have begun to type while the answer was on its way.
    if (isRefresh(event) && isOccupied(event.detail.target)) { event.detail.shouldSwap = false; }
  });

  /* What is shown may be old: say so, and take it back with the first answer. */
  function stale(is) { document.body.classList.toggle('is-stale', is); }
  ['htmx:sendError', 'htmx:timeout'].forEach(function (name) { document.addEventListener(name, function (event) { if (isRefresh(event)) { stale(true); } }); });
  document.addEventListener('htmx:responseError', function (event) { if (isRefresh(event) && event.detail.xhr.status >= 500) { stale(true); } });
  document.addEventListener('htmx:afterOnLoad', function (event) {
    stale(false);
    var version = event.detail.xhr && event.detail.xhr.getResponseHeader('X-Version');
    if (version && event.detail.elt.hasAttribute('data-version')) { event.detail.elt.setAttribute('data-version', version); }
    if (!isRefresh(event)) { return; }
    Array.prototype.forEach.call(document.querySelectorAll('[data-refreshed]'), function (node) {
      var at = new Date((window.wyClock ? window.wyClock.now() : Date.now()) + 8 * 3600 * 1000).toISOString();
      node.textContent = at.slice(11, 19);
    });
  });
})();
