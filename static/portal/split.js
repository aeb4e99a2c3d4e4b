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
    if (!split) { return null; }
    var open = split.querySelector('.det [data-ticket]'), number = open ? open.getAttribute('data-ticket') : '', found = null;
    Array.prototype.forEach.call(split.querySelectorAll('[data-key-row]'), function (row) {
      var link = row.querySelector('a[data-open]'), is = !!number && row.id === 't-' + number;
      row.classList.toggle('cur', is);
      if (link && is) { link.setAttribute('aria-current', 'true'); found = row; } else if (link) { link.removeAttribute('aria-current'); }
    });
    // On the phone the list's own address shows the list, a ticket's address the ticket.
    var alone = !split.hasAttribute('data-list') || location.pathname !== split.getAttribute('data-list');
    split.classList.toggle('has-ticket', alone);
    split.classList.toggle('no-ticket', !alone);
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
      if (heading && location.pathname !== '/tickets/') { document.title = heading.textContent.trim() + ' · 工单中心'; }
    }
  });
})();
