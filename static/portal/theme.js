/* Light, dark, or as the system has it: applied before the first paint (this file blocks), kept on this device. */
(function () {
  'use strict';
  var KEY = 'wy-theme';
  var root = document.documentElement;
  var system = window.matchMedia('(prefers-color-scheme: dark)');

  function chosen() {
    try { return localStorage.getItem(KEY) || 'light'; } catch (fault) { return 'light'; }
  }

  function apply() {
    var mode = chosen();
    var dark = mode === 'dark' || (mode === 'auto' && system.matches);
    var before = root.getAttribute('data-bs-theme');
    root.setAttribute('data-bs-theme', dark ? 'dark' : 'light');
    root.setAttribute('data-mode', mode);
    if (before !== root.getAttribute('data-bs-theme')) { document.dispatchEvent(new CustomEvent('wy:theme')); }
    mark();
  }

  function mark() {
    var mode = chosen();
    Array.prototype.forEach.call(document.querySelectorAll('[data-theme-set]'), function (button) {
      button.setAttribute('aria-pressed', String(button.getAttribute('data-theme-set') === mode));
      button.classList.toggle('on', button.getAttribute('data-theme-set') === mode);
    });
    Array.prototype.forEach.call(document.querySelectorAll('[data-theme-toggle] .i'), function (drawing) {
      var dark = root.getAttribute('data-bs-theme') === 'dark';
      drawing.classList.toggle('ico-sun', dark);
      drawing.classList.toggle('ico-moon', !dark);
    });
  }

  function choose(mode) {
    try { localStorage.setItem(KEY, mode); } catch (fault) { /* private window: this page only */ }
    apply();
  }

  apply();
  if (system.addEventListener) { system.addEventListener('change', apply); }
  window.addEventListener('storage', function (event) { if (event.key === KEY) { apply(); } });
  document.addEventListener('DOMContentLoaded', mark);
  document.addEventListener('click', function (event) {
    var button = event.target.closest('[data-theme-set],[data-theme-toggle]');
    if (!button) { return; }
    choose(button.getAttribute('data-theme-set') || (root.getAttribute('data-bs-theme') === 'dark' ? 'light' : 'dark'));
  });
})();
