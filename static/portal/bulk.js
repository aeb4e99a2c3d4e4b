/* Ticked rows: [data-row-tick] in rows, [data-all-ticks] for all, and a bar [data-bulk] that shows how many.

   The boxes belong to the bar's form by their `form` attribute, so that the acts are plain posts of `number`. */
(function () {
  'use strict';
  var last = null;

  function boxes() { return Array.prototype.slice.call(document.querySelectorAll('[data-row-tick]')); }

  function show() {
    var all = boxes(), ticked = all.filter(function (box) { return box.checked; });
    Array.prototype.forEach.call(document.querySelectorAll('[data-bulk]'), function (bar) {
      bar.hidden = !ticked.length;
      var count = bar.querySelector('[data-count]');
      if (count) { count.textContent = String(ticked.length); }
    });
    Array.prototype.forEach.call(document.querySelectorAll('[data-all-ticks]'), function (box) {
      box.checked = all.length > 0 && ticked.length === all.length;
      box.indeterminate = ticked.length > 0 && ticked.length < all.length;
    });
  }

  document.addEventListener('click', function (event) {
    var box = event.target.closest('[data-row-tick]');
    if (box) {
      var all = boxes(), here = all.indexOf(box), there = all.indexOf(last);
      if (event.shiftKey && there >= 0) {
        all.slice(Math.min(here, there), Math.max(here, there) + 1).forEach(function (other) { other.checked = box.checked; });
      }
      last = box;
      show();
    }
    if (event.target.closest('[data-untick]')) { untick(); }
  });
  document.addEventListener('change', function (event) {
    if (event.target.matches('[data-all-ticks]')) { boxes().forEach(function (box) { box.checked = event.target.checked; }); }
    if (event.target.matches('[data-all-ticks],[data-row-tick]')) { show(); }
  });

  /* The results of a bulk act come up in a dialog; the rows are free again. */
  document.addEventListener('htmx:afterSwap', function (event) {
    if (event.target.id !== 'bulk-results') { return; }
    Array.prototype.forEach.call(document.querySelectorAll('dialog[open]'), function (other) { other.close(); });
    var dialog = event.target.closest('dialog');
    if (dialog && dialog.showModal) { dialog.showModal(); }
    untick();
  });

  function untick() { boxes().forEach(function (box) { box.checked = false; }); show(); }
  document.addEventListener('wy:untick', untick);
  document.addEventListener('htmx:afterSettle', show);
  document.addEventListener('DOMContentLoaded', show);
})();
