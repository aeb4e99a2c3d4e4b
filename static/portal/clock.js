/* One timer for every countdown of the page, by the server's time: office computers' clocks are often wrong.

   <time class="chip cd" data-due="ISO" data-soon="1200"><span class="i ico-clock"></span><span class="cd-t">18:42</span></time>
   <div class="ck" data-due="ISO" data-soon="300"><span class="cd-t">…</span><small class="cd-w">剩余</small></div>
   <progress data-opened="ISO" data-due="ISO" max="100">        how much of the time is gone
   <time data-due="ISO" data-long>                              with days and seconds: 1 天 01:34:00
   <span data-wall="time|date">                                 the server's wall clock
   [data-now]                                                   on body, and on every refreshed part: sets the clock anew */
(function () {
  'use strict';
  var offset = 0;      // server's time minus this machine's, in milliseconds
  var lastWall = 0, lastSteady = 0;

  function now() { return Date.now() + offset; }

  function two(number) { return (number < 10 ? '0' : '') + number; }

  /* The same words as core/countdown.py. */
  function words(milliseconds, long) {
    var late = milliseconds < 0;
    // Whole seconds towards zero on both sides, as the server does; the last second before the due moment reads 00:00.
    var seconds = Math.floor(Math.abs(milliseconds) / 1000);
    var days = Math.floor(seconds / 86400), hours = Math.floor(seconds % 86400 / 3600);
    var minutes = Math.floor(seconds % 3600 / 60), rest = seconds % 60;
    var text;
    if (days >= 10 && !long) { text = days + ' 天'; }
    else if (days) { text = days + ' 天 ' + two(hours) + ':' + two(minutes) + (long ? ':' + two(rest) : ''); }
    else if (hours) { text = hours + ':' + two(minutes) + ':' + two(rest); }
    else { text = two(minutes) + ':' + two(rest); }
    return late ? '超 ' + text : text;
  }

  function put(node, text) { if (node && node.textContent !== text) { node.textContent = text; } }

  function swap(node, names, wanted) {
    if (node.classList.contains(wanted)) { return; }
    names.forEach(function (name) { node.classList.remove(name); });
    node.classList.add(wanted);
  }

  function show(node, at) {
    var due = node.wyDue === undefined || node.wyText !== node.getAttribute('data-due') ? Date.parse(node.getAttribute('data-due')) : node.wyDue;
    node.wyDue = due;
    node.wyText = node.getAttribute('data-due');
    if (isNaN(due)) { return; }
    var left = due - at;
    if (node.tagName === 'PROGRESS') {
      var opened = Date.parse(node.getAttribute('data-opened'));
      if (!isNaN(opened) && due > opened) {
        node.value = Math.max(0, Math.min(100, Math.round((at - opened) / (due - opened) * 1000) / 10));
        swap(node, ['r', 'a', 'b'], left < 0 ? 'r' : left <= soonOf(node) ? 'a' : 'b');
      }
      return;
    }
    put(node.querySelector('.cd-t') || node, words(left, node.hasAttribute('data-long')));
    if (node.classList.contains('cd')) {
      swap(node, ['solid-red', 'amber', 'blue'], left < 0 ? 'solid-red' : left <= soonOf(node) ? 'amber' : 'blue');
      var drawing = node.querySelector('.i');
      if (drawing) { swap(drawing, ['ico-alarm', 'ico-clock'], left < 0 ? 'ico-alarm' : 'ico-clock'); }
    } else if (node.classList.contains('ck')) {
      swap(node, ['late', 'soon', 'run'], left < 0 ? 'late' : left <= soonOf(node) ? 'soon' : 'run');
      put(node.querySelector('.cd-w'), left < 0 ? '已超时' : '剩余');
      var mark = node.querySelector('.n .i');
      if (mark) { swap(mark, ['ico-alarm', 'ico-hourglass'], left < 0 ? 'ico-alarm' : 'ico-hourglass'); }
    }
  }

  function soonOf(node) { return (parseFloat(node.getAttribute('data-soon')) || 1200) * 1000; }

  function wall(at) {
    // Shanghai has kept +08:00 without summer time since 1991.
    var local = new Date(at + 8 * 3600 * 1000);
    Array.prototype.forEach.call(document.querySelectorAll('[data-wall]'), function (node) {
      var kind = node.getAttribute('data-wall');
      if (kind === 'date') { put(node, (local.getUTCMonth() + 1) + '月' + local.getUTCDate() + '日 星期' + '日一二三四五六'[local.getUTCDay()]); }
      else { put(node, two(local.getUTCHours()) + ':' + two(local.getUTCMinutes()) + (kind === 'seconds' ? ':' + two(local.getUTCSeconds()) : '')); }
    });
  }

  function tick() {
    watch();
    if (document.hidden) { return; }
    var at = now();
    Array.prototype.forEach.call(document.querySelectorAll('[data-due]'), function (node) { show(node, at); });
    wall(at);
  }

  function set(text, receivedAt) {
    var server = Date.parse(text);
    if (!isNaN(server)) { offset = server - receivedAt; }
  }

  /* This machine slept, or somebody set its clock while the page was open: ask the server anew. */
  function watch() {
    var wallNow = Date.now(), steady = performance.now();
    var slip = lastWall && Math.abs((wallNow - lastWall) - (steady - lastSteady)) > 2000;
    lastWall = wallNow;
    lastSteady = steady;
    if (slip) { ask(); }
  }

  function ask() {
    fetch('/livez', {method: 'HEAD', cache: 'no-store', credentials: 'omit'}).then(function (answer) {
      var date = Date.parse(answer.headers.get('Date'));
      if (!isNaN(date)) { offset = date + 500 - Date.now(); tick(); }
    }).catch(function () { /* without the server the old offset stays */ });
    document.body.dispatchEvent(new CustomEvent('wy:tick'));
  }

  function begin() {
    var loaded = performance.getEntriesByType && performance.getEntriesByType('navigation')[0];
    var arrived = loaded && loaded.responseStart ? performance.timeOrigin + loaded.responseStart : Date.now();
    set(document.body.getAttribute('data-now'), arrived);
    tick();
    (function beat() { setTimeout(function () { tick(); beat(); }, 1000 - now() % 1000 + 5); })();
  }

  document.addEventListener('DOMContentLoaded', begin);
  document.addEventListener('visibilitychange', function () { if (!document.hidden) { tick(); } });
  document.addEventListener('htmx:afterSettle', function (event) {
    var part = event.target, carrier = part.closest && (part.matches('[data-now]') ? part : part.querySelector('[data-now]'));
    if (carrier && carrier !== document.body) { set(carrier.getAttribute('data-now'), Date.now()); }
    tick();
  });
  window.wyClock = {now: now, words: words};
})();
