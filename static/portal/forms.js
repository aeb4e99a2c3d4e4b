/* Nothing typed is ever lost: a failed or disconnected submit says so and leaves the form as it is; a double click sends
   once; what is typed into form[data-draft="name"] survives a reload until it has been sent. */
(function () {
  'use strict';
  var PREFIX = 'wy-draft:';

  function say(text) {
    var toast = document.getElementById('toast');
    if (!toast) { return; }
    toast.textContent = '';
    var words = document.createElement('span');
    words.textContent = text;
    var close = document.createElement('button');
    close.type = 'button';
    close.textContent = '知道了';
    close.addEventListener('click', function () { toast.textContent = ''; });
    toast.appendChild(words);
    toast.appendChild(close);
  }

  function hush() { var toast = document.getElementById('toast'); if (toast) { toast.textContent = ''; } }

  function isRefresh(event) {
    var cause = event.detail.requestConfig && event.detail.requestConfig.triggeringEvent;
    return !!cause && cause.type === 'wy:tick';
  }

  /* ------------------------------------------------ once */
  function hold(form, is) {
    if (!form || form.tagName !== 'FORM') { return; }
    form.classList.toggle('busy', is);
    form.setAttribute('aria-busy', String(is));
    if (is) { form.setAttribute('data-sending', ''); } else { form.removeAttribute('data-sending'); }
  }

  document.addEventListener('submit', function (event) {
    var form = event.target;
    if (form.hasAttribute('data-sending')) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    var question = event.submitter && event.submitter.getAttribute('data-confirm') || form.getAttribute('data-confirm');
    if (question && !window.confirm(question)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    if (form.method === 'post' && !usesHtmx(form)) {
      if (!navigator.onLine) {
        event.preventDefault();
        say('网络已断开，尚未提交；填写的内容保留在本页，恢复后请再提交一次。');
        return;
      }
      sent(form);
      hold(form, true);
      // Should the browser come back to this page, the form must work again.
      setTimeout(function () { hold(form, false); }, 20000);
    }
  }, true);

  function usesHtmx(form) { return form.hasAttribute('hx-post') || form.hasAttribute('data-hx-post') || form.hasAttribute('hx-get'); }

  document.addEventListener('htmx:beforeRequest', function (event) { hold(event.detail.elt, true); });
  document.addEventListener('htmx:afterRequest', function (event) {
    // A form that its own answer replaced is no longer the event's element.
    var form = event.detail.requestConfig.elt;
    hold(form, false);
    if (event.detail.successful && form.tagName === 'FORM') { forget(form); hush(); }
  });
  window.addEventListener('pageshow', function () {
    Array.prototype.forEach.call(document.querySelectorAll('form[data-sending]'), function (form) { hold(form, false); });
  });

  /* ------------------------------------------------ failures */
  ['htmx:sendError', 'htmx:timeout'].forEach(function (name) {
    document.addEventListener(name, function (event) {
      if (!isRefresh(event)) { say('没有连上服务器，尚未提交；填写的内容仍在，请稍后再试一次。'); }
    });
  });
  document.addEventListener('htmx:beforeSwap', function (event) {
    var xhr = event.detail.xhr;
    // A form answered with its own faults (mostly 422) is shown in its place, with what was typed.
    if (xhr.status === 422 || xhr.status >= 400 && xhr.status < 500 && xhr.responseText.indexOf('data-form-part') >= 0) { event.detail.shouldSwap = true; event.detail.isError = false; }
  });
  document.addEventListener('htmx:responseError', function (event) {
    if (isRefresh(event)) { return; }
    var xhr = event.detail.xhr, text = '';
    if (/html/.test(xhr.getResponseHeader('Content-Type') || '')) {
      var holder = new DOMParser().parseFromString(xhr.responseText, 'text/html').querySelector('[data-error]');
      text = holder ? holder.textContent.trim().replace(/\s+/g, ' ') : '';
    }
    var known = {401: '登录已过期，请重新登录；填写的内容仍在。', 403: '您无权执行此操作。', 404: '没有找到，或您无权查看。', 409: '刚被他人更新，请刷新后再试。', 413: '文件过大。', 429: '操作过于频繁，请稍后再试。'};
    say(text || known[xhr.status] || '服务器未能完成（' + xhr.status + '），填写的内容仍在，请稍后再试。');
  });

  /* Where a form comes back with faults, the first of them gets the focus. */
  document.addEventListener('htmx:afterSettle', function (event) {
    var xhr = event.detail.xhr, first = xhr && xhr.status >= 400 && event.target.querySelector && event.target.querySelector('[aria-invalid=true]');
    if (first) { first.focus(); }
  });

  /* ------------------------------------------------ drafts */
  function keyOf(form) { return PREFIX + form.getAttribute('data-draft'); }

  function kept(form) { return Array.prototype.filter.call(form.elements, function (field) { return field.name && (field.name === 'client_id' || !/^(hidden|password|file|submit|button)$/.test(field.type)) && field.name !== 'csrfmiddlewaretoken'; }); }

  function save(form) {
    var values = kept(form).map(function (field) { return [field.name, field.value, /^(checkbox|radio)$/.test(field.type) ? field.checked : null]; });
    try { sessionStorage.setItem(keyOf(form), JSON.stringify(values)); } catch (fault) { /* full or refused: the page still holds it */ }
  }

  function forget(form) { if (form.hasAttribute && form.hasAttribute('data-draft')) { try { sessionStorage.removeItem(keyOf(form)); } catch (fault) { /* nothing kept */ } } }

  /* A form that is on its way: its draft goes when its answer is another page than the form with its faults, and not before.
     A line that fails leaves the browser's own page; whoever comes back from there finds what was typed. */
  var SENT = 'wy-sent';
  function sent(form) {
    if (!form.hasAttribute('data-draft')) { return; }
    save(form);
    try { sessionStorage.setItem(SENT, JSON.stringify([keyOf(form), location.href])); } catch (fault) { forget(form); }
  }

  function settle() {
    var was, way = window.performance && performance.getEntriesByType ? performance.getEntriesByType('navigation')[0] : null;
    try { was = JSON.parse(sessionStorage.getItem(SENT)); sessionStorage.removeItem(SENT); } catch (fault) { was = null; }
    if (!was || way && way.type !== 'navigate' || document.referrer !== was[1] || document.querySelector('[data-error],[data-error-page],.errorlist')) { return; }
    try { sessionStorage.removeItem(was[0]); } catch (fault) { /* none is kept */ }
  }

  function restore(form) {
    var values;
    try { values = JSON.parse(sessionStorage.getItem(keyOf(form))); } catch (fault) { values = null; }
    if (!values) { return; }
    // Lines that were added by hand are added again.
    Array.prototype.forEach.call(form.querySelectorAll('[data-line-more]'), function (more) {
      var name = more.getAttribute('data-line-more');
      var last = Math.max.apply(null, values.map(function (one) { return one[1] && one[0].indexOf(name + '-') === 0 ? parseInt(one[0].slice(name.length + 1), 10) : -1; }));
      while (!form.elements[name + '-' + last + '-' + more.getAttribute('data-line-first')] && last >= 0 && addLine(name)) { /* until it is there */ }
    });
    var changed = false;
    values.forEach(function (one) {
      kept(form).forEach(function (field) {
        if (field.name !== one[0]) { return; }
        if (field.name === 'client_id') { field.value = one[1]; }  // sent a second time, it is known again
        else if (one[2] !== null) { if (field.value === one[1] && field.checked !== one[2]) { field.checked = one[2]; changed = true; } }
        else if (!field.value && one[1]) { field.value = one[1]; field.setAttribute('data-edited', ''); changed = true; }
      });
    });
    if (changed) {
      var fold = form.closest('details');
      if (fold) { fold.open = true; }
      var note = form.querySelector('[data-draft-note]');
      if (note) { note.hidden = false; }
    }
  }

  document.addEventListener('input', function (event) { var form = event.target.form; if (form && form.hasAttribute('data-draft')) { save(form); } });
  function restoreAll(root) { Array.prototype.forEach.call(root.querySelectorAll('form[data-draft]'), restore); }
  document.addEventListener('DOMContentLoaded', function () { settle(); restoreAll(document); });
  document.addEventListener('htmx:afterSettle', function (event) { if (event.target.querySelectorAll) { restoreAll(event.target); } });

  /* ------------------------------------------------ small helps */
  document.addEventListener('change', function (event) {
    if (event.target.matches('[data-submit-on-change]')) { event.target.form.requestSubmit(); }
  });
  /* One more line of a report: the last one once more, empty, under the next number. */
  function addLine(name) {
    var total = document.getElementById('id_' + name + '-TOTAL_FORMS');
    var lines = document.querySelector('[data-lines="' + name + '"] tbody');
    var most = document.getElementById('id_' + name + '-MAX_NUM_FORMS');
    var number = Number(total.value);
    if (number >= Number(most.value)) { return null; }
    var line = lines.lastElementChild.cloneNode(true);
    line.querySelectorAll('.errorlist').forEach(function (one) { one.remove(); });
    line.querySelectorAll('input').forEach(function (field) {
      field.name = field.name.replace(/-\d+-/, '-' + number + '-');
      field.id = 'id_' + field.name;
      field.value = '';
      field.removeAttribute('value');
      field.removeAttribute('aria-invalid');
    });
    lines.appendChild(line);
    total.value = number + 1;
    return line;
  }
  document.addEventListener('click', function (event) {
    var more = event.target.closest('[data-line-more]'), line = more && addLine(more.getAttribute('data-line-more'));
    if (line) { line.querySelector('input').focus(); } else if (more) { more.disabled = true; }
  });
  /* A phrase chosen from a list is put into the field it names. */
  document.addEventListener('click', function (event) {
    var phrase = event.target.closest('[data-phrase]');
    if (!phrase) { return; }
    var field = document.getElementById(phrase.getAttribute('data-for'));
    if (!field) { return; }
    field.value = (field.value ? field.value.replace(/\s+$/, '') + ' ' : '') + phrase.getAttribute('data-phrase');
    field.dispatchEvent(new Event('input', {bubbles: true}));
    field.focus();
  });
})();
