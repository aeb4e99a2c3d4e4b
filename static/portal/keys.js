/* The keyboard: J/K move in a list, Enter opens, X ticks, / searches, ? helps, Esc leaves. Never while somebody types.

   A list is [data-keys]; its rows are [data-key-row] with one link a[data-open] and perhaps a box [data-row-tick]. */
(function () {
  'use strict';
  var chosen = null; // the id of the row, so that a refreshed list keeps it

  function rows() { return Array.prototype.slice.call(document.querySelectorAll('[data-keys] [data-key-row]')); }

  function current(all) {
    for (var index = 0; index < all.length; index += 1) { if (all[index].id === chosen) { return index; } }
    for (index = 0; index < all.length; index += 1) { if (all[index].classList.contains('cur')) { return index; } }
    return -1;
  }

  function select(row) {
    rows().forEach(function (other) { other.classList.toggle('sel', other === row); });
    if (!row) { chosen = null; return; }
    chosen = row.id;
    var link = row.querySelector('a[data-open]');
    if (link) { link.focus({preventScroll: true}); }
    row.scrollIntoView({block: 'nearest'});
  }

  function move(step) {
    var all = rows();
    if (!all.length) { return; }
    var at = current(all);
    select(all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step))]);
  }

  function open() {
    var all = rows(), at = current(all);
    var link = at >= 0 && all[at].querySelector('a[data-open]');
    if (link) { link.click(); }
  }

  function tick() {
    var all = rows(), at = current(all);
    var box = at >= 0 && all[at].querySelector('[data-row-tick]');
    if (box) { box.click(); }
  }

  function leave(target) {
    var menu = document.querySelector('details.menu[open]');
    if (menu) { menu.open = false; menu.querySelector('summary').focus(); return; }
    if (target.matches('input,textarea,select')) { target.blur(); return; }
    if (document.querySelector('[data-row-tick]:checked')) { document.dispatchEvent(new CustomEvent('wy:untick')); return; }
    select(null);
  }

  document.addEventListener('keydown', function (event) {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) { return; }
    var target = event.target, typing = target.matches('input:not([type=checkbox]):not([type=radio]),textarea,select,[contenteditable]');
    if (event.key === 'Escape') { if (!document.querySelector('dialog[open]')) { leave(target); } return; }
    if (typing || document.querySelector('dialog[open]')) { return; }
    var act = {
      j: function () { move(1); }, k: function () { move(-1); }, x: tick,
      '/': function () {
        var box = document.getElementById('search'), top = document.querySelector('.top');
        if (box) { top.classList.add('searching'); box.focus(); box.select(); }
      },
      '?': function () { help(true); }
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (event.key === 'Enter' && target === document.body) { act = open; }
    if (event.key === 'o') { act = open; }
    if (!act) { return; }
    event.preventDefault();
    act();
  });

  /* Ctrl+Enter sends the form in which one types. */
  document.addEventListener('keydown', function (event) {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && event.target.matches('textarea') && event.target.form) {
      event.preventDefault();
      event.target.form.requestSubmit();
    }
  });

  function help(show) {
    var dialog = document.getElementById('help');
    if (!dialog || !dialog.showModal) { return; }
    if (show && !dialog.open) { dialog.showModal(); } else if (!show && dialog.open) { dialog.close(); }
  }

  document.addEventListener('click', function (event) {
    if (event.target.closest('[data-help]')) { help(true); }
    var closer = event.target.closest('[data-close]');
    if (closer && closer.closest('dialog')) { closer.closest('dialog').close(); }
    if (event.target.matches('dialog.dlg')) { event.target.close(); }
    var opener = event.target.closest('[data-dialog]');
    if (opener) {
      var dialog = document.getElementById(opener.getAttribute('data-dialog'));
      if (dialog && dialog.showModal) { event.preventDefault(); dialog.showModal(); }
    }
    if (event.target.closest('[data-search-toggle]')) {
      var top = document.querySelector('.top');
      if (top.classList.toggle('searching')) { document.getElementById('search').focus(); }
    }
    if (event.target.closest('[data-print]')) { window.print(); }
    // A menu closes when one clicks beside it.
    Array.prototype.forEach.call(document.querySelectorAll('details.menu[open]'), function (menu) {
      if (!menu.contains(event.target)) { menu.open = false; }
    });
  });

  document.addEventListener('htmx:afterSettle', function () {
    if (!chosen) { return; }
    var row = document.getElementById(chosen);
    if (row) { row.classList.add('sel'); }
  });
})();
