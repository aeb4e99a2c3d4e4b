/* The form on the spot: everything typed, photographed and signed stays in this browser until the server has it. */
(function () {
  'use strict';
  var queue = window.InspectionQueue;
  var banner = document.getElementById('insp-queue');
  var form = document.getElementById('insp');
  if (!banner || !queue || !window.indexedDB) { return; }
  var user = banner.getAttribute('data-user');
  var draft = null, timer = null, sending = null;

  function two(number) { return (number < 10 ? '0' : '') + number; }
  function clock(moment) { return two(moment.getHours()) + ':' + two(moment.getMinutes()); }
  function shanghai(moment) { return moment.toLocaleString('sv-SE', {timeZone: 'Asia/Shanghai'}).replace(' ', 'T').slice(0, 16); }
  function newId() {
    var bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = bytes[6] & 15 | 64; bytes[8] = bytes[8] & 63 | 128;
    var hex = Array.prototype.map.call(bytes, function (byte) { return two16(byte); }).join('');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
  function two16(byte) { return (byte < 16 ? '0' : '') + byte.toString(16); }
  function element(name, text, cls) {
    var made = document.createElement(name);
    if (text) { made.textContent = text; }
    if (cls) { made.className = cls; }
    return made;
  }
  function link(text, href) { var made = element('a', text); made.href = href; return made; }

  /* A telephone may have a network that leads nowhere: what counts is whether the portal answered. */
  var unreachable = false;

  /* ------------------------------------------------ what waits, said at the top */
  function show(extra) {
    return queue.of(user).then(function (drafts) {
      var waiting = drafts.filter(function (one) { return one.state === 'queued'; });
      var refused = drafts.filter(function (one) { return one.state === 'refused'; });
      var begun = drafts.filter(function (one) { return one.state === 'draft' && (!draft || one.client_id !== draft.client_id); });
      banner.textContent = '';
      if (!navigator.onLine || unreachable) {
        banner.appendChild(element('span', '当前离线' + (draft && draft.saved_at ? '，已存本机 ' + clock(new Date(draft.saved_at)) : '，填写的内容会存在本机')));
      } else if (extra && extra.expired && (waiting.length || draft)) {
        banner.appendChild(element('span', '登录已过期，记录仍在本机。'));
        banner.appendChild(link('登录后自动上传', '/login/?next=' + encodeURIComponent(location.pathname + location.search)));
      } else if (extra && extra.done) {
        banner.appendChild(element('span', extra.done));
      }
      if (waiting.length) { banner.appendChild(element('b', '待传 ' + waiting.length + ' 份')); }
      refused.forEach(function (one) { banner.appendChild(link('被退回：' + one.title + '（' + one.error + '）', one.path)); });
      if (!form) { begun.forEach(function (one) { banner.appendChild(link('未完成：' + one.title, one.path)); }); }
      banner.hidden = !banner.childNodes.length;
    }).catch(function () {});
  }

  function send() {
    if (sending) { return sending; }
    sending = queue.send().then(function (result) {
      sending = null;
      unreachable = !!result.offline;
      var done = result.sent.length ? '已上传 ' + result.sent.length + ' 份' : '';
      var mine = draft && result.sent.filter(function (one) { return one.client_id === draft.client_id; })[0];
      if (mine) { draft = null; location.assign(mine.sent.url); return null; }
      var back = draft && result.refused.filter(function (one) { return one.client_id === draft.client_id; })[0];
      if (back) { draft = back; blame(back); unlock(); }
      return show({expired: result.expired, done: done});
    }, function () { sending = null; return show(); });
    return sending;
  }

  function later() {
    if (!navigator.serviceWorker) { return; }
    navigator.serviceWorker.ready.then(function (worker) { if (worker.sync) { return worker.sync.register('inspections'); } return null; }).catch(function () {});
  }

  /* ------------------------------------------------ pages kept for when there is no network */
  function keep() {
    if (!navigator.serviceWorker || !window.caches) { return; }
    navigator.serviceWorker.register('/inspection-worker.js').then(function () { return navigator.serviceWorker.ready; }).then(function () {
      if (!navigator.onLine) { return null; }
      return caches.open('inspection-pages').then(function (pages) {
        return fetch('/inspections/token/', {cache: 'no-store', credentials: 'same-origin'}).then(function (answer) { return answer.ok ? answer.json() : {}; }).then(function (me) {
          if (me.user !== user) { return caches.delete('inspection-pages'); }
          var wanted = [location.pathname + location.search];
          Array.prototype.forEach.call(document.querySelectorAll('a[data-keep]'), function (one) { wanted.push(one.getAttribute('href')); });
          if (location.pathname !== '/inspections/') { wanted.push('/inspections/'); }
          return Promise.all(wanted.slice(0, 40).map(function (path) {
            return fetch(path, {credentials: 'same-origin', headers: {Accept: 'text/html'}}).then(function (answer) {
              return answer.ok && !answer.redirected ? pages.put(new URL(path, location.href).href, answer) : null;
            }).catch(function () {});
          }));
        });
      }).then(function () {
        return caches.open('inspection-files').then(function (files) {
          var wanted = [];
          Array.prototype.forEach.call(document.querySelectorAll('script[src],link[rel=stylesheet],link[rel=icon]'), function (one) { wanted.push(one.src || one.href); });
          performance.getEntriesByType('resource').forEach(function (one) { if (one.name.indexOf(location.origin + '/static/') === 0) { wanted.push(one.name); } });
          // The list's page keeps what the form's page needs.
          [banner.getAttribute('data-form-css')].forEach(function (one) { if (one) { wanted.push(new URL(one, location.href).href); } });
          return Promise.all(wanted.map(function (path) { return files.match(path).then(function (known) { return known || files.add(path); }).catch(function () {}); }));
        });
      });
    }).then(function () { document.documentElement.setAttribute('data-kept', ''); }).catch(function () {});
  }

  /* ------------------------------------------------ the form */
  function fieldsOf() {
    var fields = [];
    new FormData(form).forEach(function (value, name) {
      if (typeof value === 'string' && name !== 'csrfmiddlewaretoken') { fields.push([name, value]); }
    });
    return fields;
  }

  function save() {
    if (!draft || draft.state === 'queued') { return Promise.resolve(); }
    draft.fields = fieldsOf();
    draft.saved_at = new Date().toISOString();
    return queue.put(draft).then(function () { return show(); }, function () { say('本机存储已满，未能保存草稿'); });
  }

  function touched() {
    if (draft && !draft.begun) {
      draft.begun = true;
      form.elements.visited_at.value = shanghai(new Date());
    }
    progress();
    clearTimeout(timer);
    timer = setTimeout(save, 250);
  }

  function say(text) { var toast = document.getElementById('toast'); toast.textContent = text; setTimeout(function () { toast.textContent = ''; }, 4000); }

  function restore() {
    draft.fields.forEach(function (pair) {
      Array.prototype.forEach.call(form.querySelectorAll('[name="' + pair[0].replace(/["\\]/g, '') + '"]'), function (field) {
        if (field.type === 'radio' || field.type === 'checkbox') { if (field.value === pair[1]) { field.checked = true; } }
        else if (field.multiple && field.options) { Array.prototype.forEach.call(field.options, function (one) { if (one.value === pair[1]) { one.selected = true; } }); }
        else if (field.type !== 'file' && field.name !== 'csrfmiddlewaretoken') { field.value = pair[1]; }
      });
    });
    draft.photos.forEach(thumb);
    if (form.elements.signature.value) { drawSigned(); }
  }

  function photosOf(name) { return draft ? draft.photos.filter(function (one) { return one.field === name; }) : []; }

  function thumb(photo) {
    var box = form.querySelector('[data-photos="' + photo.field + '"]') || form.querySelector('#sign-file');
    if (!box) { return; }
    var cell = element('button', '', 'im'), image = element('img');
    cell.type = 'button';
    cell.setAttribute('aria-label', '删除照片 ' + photo.time);
    image.alt = '';
    image.src = URL.createObjectURL(photo.blob);
    cell.appendChild(image);
    cell.appendChild(element('em', photo.time));
    cell.addEventListener('click', function () {
      if (!window.confirm('删除这张照片？')) { return; }
      draft.photos = draft.photos.filter(function (one) { return one !== photo; });
      cell.remove();
      touched();
    });
    box.insertBefore(cell, box.firstChild);
  }

  function isDone(box) {
    var code = box.getAttribute('data-item'), kind = box.getAttribute('data-kind');
    function value(name) { var found = form.querySelector('[name="' + name + '"]:checked'); return found ? found.value : ''; }
    function text(name) { var field = form.elements[name]; return field && field.value ? field.value.trim() : ''; }
    if (kind === 'check') {
      var state = value('state-' + code);
      return state === 'bad' ? !!(value('severity-' + code) && text('note-' + code) && text('due-' + code) && photosOf('photo-' + code).length) : !!state;
    }
    if (kind === 'number') {
      if (value('state-' + code) === 'na') { return true; }
      var field = form.elements['value-' + code], number = Number(field.value), low = field.getAttribute('data-lowest'), high = field.getAttribute('data-highest');
      var fits = field.value.trim() !== '' && isFinite(number) && !(low && low !== 'None' && number < Number(low)) && !(high && high !== 'None' && number > Number(high));
      field.setAttribute('aria-invalid', String(field.value.trim() !== '' && !fits));
      return fits;
    }
    if (kind === 'readiness') {
      return box.querySelectorAll('.row6 input:checked').length === box.querySelectorAll('.row6 input').length || !!value('seen-' + code);
    }
    if (kind === 'call') { return !!value('call') || value('state-' + code) === 'na'; }
    return !!text('companion') && !!(text('signature') || text('refusal') || photosOf('signature_file').length);
  }

  function progress() {
    var boxes = form.querySelectorAll('[data-item]'), done = 0;
    Array.prototype.forEach.call(form.querySelectorAll('[data-group]'), function (group) {
      var mine = group.querySelectorAll('[data-item]'), ready = 0, all = mine.length;
      Array.prototype.forEach.call(mine, function (box) { if (isDone(box)) { ready += 1; } });
      done += ready;
      var six = group.querySelector('[data-kind="readiness"] .row6');
      if (six) { ready = six.querySelectorAll('input:checked').length; all = six.querySelectorAll('input').length; }
      group.querySelector('[data-count]').textContent = ready + ' / ' + all;
    });
    var bad = form.querySelectorAll('.r-bad:checked').length, left = boxes.length - done;
    if (boxes.length) {
      document.getElementById('insp-done').textContent = done;
      document.getElementById('insp-bar').value = done;
      document.getElementById('insp-bad').textContent = bad ? '异常 ' + bad + ' 项' : '';
    }
    document.getElementById('insp-send-text').textContent = left ? '提交（还差 ' + left + ' 项）' : '提交';
    return left;
  }

  function blame(one) {
    Array.prototype.forEach.call(form.querySelectorAll('.err.told'), function (old) { old.remove(); });
    var first = null;
    Object.keys(one.faults || {}).forEach(function (name) {
      var box = document.getElementById(name) || form.querySelector('[name="' + name.replace(/["\\]/g, '') + '"]');
      if (!box) { return; }
      var words = element('p', one.faults[name][0], 'err told');
      if (box.matches('[data-item]')) { box.appendChild(words); } else { box.parentNode.appendChild(words); }
      first = first || box;
    });
    say(one.error || '未能提交');
    if (first) { first.scrollIntoView({block: 'center'}); }
  }

  function unlock() { Array.prototype.forEach.call(form.querySelectorAll('#insp-send,#insp-draft'), function (one) { one.disabled = false; }); }

  function submit(event) {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (!draft) { return; }
    var left = progress();
    if (left) {
      var missing = Array.prototype.filter.call(form.querySelectorAll('[data-item]'), function (box) { return !isDone(box); })[0];
      missing.scrollIntoView({block: 'center'});
      var field = missing.querySelector('input,textarea');
      if (field) { field.focus({preventScroll: true}); }
      say('还差 ' + left + ' 项，请从这里继续');
      return;
    }
    clearTimeout(timer);
    form.elements.device_time.value = new Date().toISOString();
    draft.fields = fieldsOf();
    draft.state = 'queued';
    draft.error = ''; draft.faults = {};
    draft.saved_at = new Date().toISOString();
    document.getElementById('insp-send').disabled = true;
    queue.put(draft).then(function () { later(); return send(); }).then(function () {
      if (draft && draft.state === 'queued') { form.classList.add('queued'); say('已存本机，网络恢复后自动上传'); }
    }, function () { draft.state = 'draft'; unlock(); say('本机存储已满，请联网后再提交'); });
  }

  /* ------------------------------------------------ the companion signs with a finger */
  var canvas = form && form.querySelector('#sign canvas'), pen = null;
  function prepareSigning() {
    if (!canvas) { return; }
    canvas.parentNode.hidden = false;
    document.getElementById('sign-clear').hidden = false;
    pen = canvas.getContext('2d');
    clean();
    var down = false;
    function at(event) { var box = canvas.getBoundingClientRect(); return [(event.clientX - box.left) * canvas.width / box.width, (event.clientY - box.top) * canvas.height / box.height]; }
    canvas.addEventListener('pointerdown', function (event) {
      down = true; canvas.setPointerCapture(event.pointerId); canvas.parentNode.classList.add('signed');
      var point = at(event); pen.beginPath(); pen.moveTo(point[0], point[1]); event.preventDefault();
    });
    canvas.addEventListener('pointermove', function (event) { if (down) { var point = at(event); pen.lineTo(point[0], point[1]); pen.stroke(); } });
    ['pointerup', 'pointercancel'].forEach(function (name) {
      canvas.addEventListener(name, function () { if (down) { down = false; form.elements.signature.value = canvas.toDataURL('image/png'); touched(); } });
    });
    document.getElementById('sign-clear').addEventListener('click', function () {
      clean(); form.elements.signature.value = ''; canvas.parentNode.classList.remove('signed'); touched();
    });
  }
  function clean() { pen.fillStyle = '#fff'; pen.fillRect(0, 0, canvas.width, canvas.height); pen.lineWidth = 4; pen.lineCap = 'round'; pen.strokeStyle = '#111'; }
  function drawSigned() {
    if (!canvas) { return; }
    var image = new Image();
    image.onload = function () { pen.drawImage(image, 0, 0); canvas.parentNode.classList.add('signed'); };
    image.src = form.elements.signature.value;
  }

  function prepareForm() {
    var path = form.getAttribute('action');
    return queue.of(user).then(function (drafts) {
      var mine = drafts.filter(function (one) { return one.path === path && (one.state !== 'queued'); })[0];
      prepareSigning();
      draft = mine || {client_id: newId(), user: user, path: path, title: form.getAttribute('data-title'), state: 'draft', fields: [], photos: [], begun: false, saved_at: ''};
      if (mine) { restore(); }
      form.elements.client_id.value = draft.client_id;
      form.addEventListener('input', touched);
      form.addEventListener('change', function (event) {
        var field = event.target;
        if (field.type === 'file' && field.files.length) {
          Array.prototype.forEach.call(field.files, function (file) {
            var photo = {field: field.name, blob: file, name: file.name || 'photo.jpg', time: clock(new Date())};
            draft.photos.push(photo);
            thumb(photo);
          });
          field.value = '';
        }
        touched();
      });
      window.addEventListener('submit', function (event) { if (event.target === form) { submit(event); } }, true);
      var keeper = document.getElementById('insp-draft');
      keeper.hidden = false;
      keeper.addEventListener('click', function () { clearTimeout(timer); save().then(function () { say('草稿已存本机'); }); });
      var locate = form.querySelector('[data-locate]');
      if (navigator.geolocation) {
        locate.hidden = false;
        locate.addEventListener('click', function () {
          locate.disabled = true;
          navigator.geolocation.getCurrentPosition(function (found) {
            form.elements.place.value = [found.coords.latitude.toFixed(6), found.coords.longitude.toFixed(6), Math.round(found.coords.accuracy)].join(',');
            locate.textContent = '已定位 ±' + Math.round(found.coords.accuracy) + ' 米';
            touched();
          }, function () { locate.disabled = false; locate.textContent = '定位失败，可不填'; }, {enableHighAccuracy: true, timeout: 15000, maximumAge: 60000});
        });
      }
      progress();
      if (mine && mine.state === 'refused') { blame(mine); }
      form.setAttribute('data-ready', '');
    });
  }

  window.addEventListener('online', function () { document.body.classList.remove('offline'); send(); });
  window.addEventListener('offline', function () { show(); });
  document.addEventListener('visibilitychange', function () {
    if (document.hidden) { if (form) { save(); } } else { send(); }
  });
  (form ? prepareForm() : Promise.resolve()).then(show).then(send).then(keep);
})();
