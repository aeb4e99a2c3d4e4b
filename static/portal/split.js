/* List and ticket side by side: a row opens in the right pane, the list keeps its place and filters, Back works.

   The pane carries hx-history-elt, so that going back restores the pane alone. On the phone a row is an ordinary link. */
(function () {
  'use strict';
  var phone = window.matchMedia('(max-width: 768px)');

  document.addEventListener('click', function (event) {
    var link = event.target.closest('a[data-open]');
    // Before htmx sees it: the phone opens the page itself.
    if (link && phone.matches) { event.stopPropagation(); }
  }, true);

  function mark() {
    var split = document.querySelector('.split');
    if (!split) { return; }
    var pane = split.querySelector('.det'), path = location.pathname, found = null;
    Array.prototype.forEach.call(split.querySelectorAll('[data-key-row]'), function (row) {
      var link = row.querySelector('a[data-open]');
      var is = !!link && new URL(link.href).pathname === path;
      row.classList.toggle('cur', is);
      if (link) { if (is) { link.setAttribute('aria-current', 'true'); found = row; } else { link.removeAttribute('aria-current'); } }
    });
    var open = !!pane && !!pane.querySelector('[data-ticket]');
    split.classList.toggle('has-ticket', open);
    split.classList.toggle('no-ticket', !open);
    return found;
  }

  ['htmx:pushedIntoHistory', 'htmx:historyRestore', 'htmx:afterSettle'].forEach(function (name) {
    document.addEventListener(name, mark);
  });
  document.addEventListener('DOMContentLoaded', function () {
    var row = mark();
    if (row) { row.scrollIntoView({block: 'nearest'}); }
  });
  document.addEventListener('htmx:afterSwap', function (event) {
    if (event.target.classList && event.target.classList.contains('det') && event.detail.xhr) {
      var body = event.target.querySelector('.dc');
      if (body) { body.scrollTop = 0; }
      var heading = event.target.querySelector('[data-ticket] .t');
      if (heading) { document.title = heading.textContent.trim() + ' · 工单中心'; }
    }
  });
})();
