/* Small helps on the residents' pages; everything works without them. The half-degree buttons, copying the number, and a
   form that does not trust the network: it is sent from this page, which stays as it is until the answer is here, and is
   sent again by itself while the line fails. The form's client id makes that one ticket, however often it arrives. */
(function () {
  'use strict';
  var PATIENCE = 45000, PATIENCE_WITH_PHOTOS = 180000, FIRST_WAIT = 4000, LONGEST_WAIT = 30000;
  var each = function (list, act) { Array.prototype.forEach.call(list, act); };
  function say(text) { var toast = document.getElementById('toast'); if (toast) { toast.textContent = text; } }

  function prepare(root) {
    each(root.querySelectorAll('[data-stepper]'), function (box) {
      var field = box.querySelector('input');
      each(box.querySelectorAll('button'), function (button) {
        button.hidden = false;
        button.addEventListener('click', function () {
          var value = parseFloat(field.value);
          field.value = (isNaN(value) ? 16 : value + parseFloat(button.getAttribute('data-step'))).toFixed(1);
          field.dispatchEvent(new Event('input', {bubbles: true}));
        });
      });
    });
    each(root.querySelectorAll('[data-copy]'), function (one) {
      if (!navigator.clipboard) { return; }
      var button = document.createElement('button');
      button.type = 'button';
      button.className = 'btn btn-link';
      button.textContent = '复制';
      button.addEventListener('click', function () { navigator.clipboard.writeText(one.textContent).then(function () { say('已复制'); setTimeout(function () { say(''); }, 1500); }); });
      one.parentNode.insertBefore(button, one.nextSibling);
    });
  }

  /* ------------------------------------------------ sending */
  var waiting = null;  // {form, timer, wait} while the line is down

  function hold(form, is) { if (is) { form.setAttribute('data-sending', ''); } else { form.removeAttribute('data-sending'); } form.setAttribute('aria-busy', String(is)); }

  function hasPhotos(form) { var file = form.querySelector('input[type=file]'); return !!(file && file.files && file.files.length); }

  function send(form, wait) {
    var request = new XMLHttpRequest(), address = form.action;
    waiting = null;
    hold(form, true);
    say(wait > FIRST_WAIT ? '正在重新提交…' : '正在提交…');
    request.open('POST', address);
    request.timeout = hasPhotos(form) ? PATIENCE_WITH_PHOTOS : PATIENCE;
    request.onload = function () {
      if (request.status >= 500) { later(form, wait, '系统正忙，已为您保存；稍后自动提交，请不要关闭本页。'); return; }
      hold(form, false);
      say('');
      if (request.status === 200 && request.responseURL && request.responseURL !== address) {
        try { sessionStorage.removeItem('wy-draft:' + form.getAttribute('data-draft')); } catch (fault) { /* none is kept */ }
        location.replace(request.responseURL);
      } else { show(form, request.responseText); }
    };
    request.onerror = request.ontimeout = function () { later(form, wait, '网络断开，已为您保存；网络恢复后自动提交，请不要关闭本页。'); };
    request.send(new FormData(form));
  }

  function later(form, wait, text) {
    hold(form, false);
    say(text);
    waiting = {form: form, wait: Math.min(wait * 2, LONGEST_WAIT), timer: setTimeout(again, wait)};
  }

  function again() { if (waiting) { clearTimeout(waiting.timer); send(waiting.form, waiting.wait); } }

  /* The answer in place of the page: what is at fault is marked by the server; photos once chosen stay chosen. */
  function show(form, text) {
    var answer = new DOMParser().parseFromString(text, 'text/html'), main = document.getElementById('main'), next = answer.getElementById('main');
    if (!next) { document.open(); document.write(text); document.close(); return; }
    var photos = form.querySelector('input[type=file]'), place = next.querySelector('input[type=file]');
    next = document.importNode(next, true);
    place = next.querySelector('input[type=file]');
    if (photos && place && hasPhotos(form)) { place.parentNode.replaceChild(photos, place); }
    main.parentNode.replaceChild(next, main);
    if (!next.querySelector('#say')) { each(document.querySelectorAll('body > .act'), function (bar) { bar.parentNode.removeChild(bar); }); }
    prepare(next);
    var fault = next.querySelector('.errorlist') || next.querySelector('[data-error]'), picture = next.querySelector('.cap img');
    if (picture) { fault = picture; }
    if (fault) { fault.scrollIntoView({block: 'center'}); }
    var said = next.querySelector('[data-error]');
    say(said ? said.textContent.trim() : '');
  }

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.id !== 'say' || !window.FormData || !window.DOMParser) { return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (form.hasAttribute('data-sending')) { return; }
    if (waiting) { clearTimeout(waiting.timer); }
    send(form, FIRST_WAIT);
  }, true);
  window.addEventListener('online', again);
  prepare(document);
})();
