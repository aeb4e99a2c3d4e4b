/* What was written on the spot and is not yet sent: kept in the browser's database, sent once each by its own id.
   Runs in the page and in the service worker. A record belongs to who wrote it and is sent under no other name. */
(function (root) {
  'use strict';
  var STORE = 'drafts';

  function open() {
    return new Promise(function (done, fail) {
      var asked = indexedDB.open('heating-inspections', 1);
      asked.onupgradeneeded = function () { asked.result.createObjectStore(STORE, {keyPath: 'client_id'}); };
      asked.onsuccess = function () { done(asked.result); };
      asked.onerror = function () { fail(asked.error); };
    });
  }

  function act(mode, what) {
    return open().then(function (db) {
      return new Promise(function (done, fail) {
        var all = db.transaction(STORE, mode), asked = what(all.objectStore(STORE));
        all.oncomplete = function () { db.close(); done(asked.result); };
        all.onerror = all.onabort = function () { db.close(); fail(all.error); };
      });
    });
  }

  function put(draft) { return act('readwrite', function (store) { return store.put(draft); }); }
  function remove(id) { return act('readwrite', function (store) { return store.delete(id); }); }
  function get(id) { return act('readonly', function (store) { return store.get(id); }); }
  function of(user) {
    return act('readonly', function (store) { return store.getAll(); }).then(function (all) {
      return all.filter(function (draft) { return draft.user === user; });
    });
  }

  /* Who is signed in: {user, token}, {expired: true} or {offline: true}. */
  function who() {
    return fetch('/inspections/token/', {credentials: 'same-origin', cache: 'no-store', headers: {Accept: 'application/json'}}).then(function (answer) {
      if (answer.status === 403 || answer.status === 401) { return {expired: true}; }
      return answer.ok ? answer.json() : {offline: true};
    }, function () { return {offline: true}; });
  }

  function body(draft) {
    var form = new FormData();
    draft.fields.forEach(function (pair) { form.append(pair[0], pair[1]); });
    draft.photos.forEach(function (photo) { form.append(photo.field, photo.blob, photo.name); });
    return form;
  }

  function post(draft, token) {
    return fetch(draft.path, {method: 'POST', body: body(draft), credentials: 'same-origin', headers: {Accept: 'application/json', 'X-CSRFToken': token}}).then(function (answer) {
      if (answer.status === 201) {
        return answer.json().then(function (said) { return remove(draft.client_id).then(function () { return {sent: said, client_id: draft.client_id}; }); });
      }
      // A session that ended meanwhile, or a server that is not well: it stays in the queue.
      if (answer.redirected || answer.status >= 500 || answer.status === 401 || answer.status === 429) { return {}; }
      return answer.json().catch(function () { return {message: '未能提交（' + answer.status + '）', fields: {}}; }).then(function (said) {
        return get(draft.client_id).then(function (now) {
          if (!now) { return {}; }
          now.state = 'refused'; now.error = said.message || '未能提交'; now.faults = said.fields || {};
          return put(now).then(function () { return {refused: now}; });
        });
      });
    }, function () { return {}; });
  }

  function sendAll() {
    return who().then(function (me) {
      var result = {expired: !!me.expired, offline: !!me.offline, user: me.user, sent: [], refused: [], waiting: 0};
      if (!me.user) { result.waiting = me.offline ? 1 : 0; return result; }
      return of(me.user).then(function (drafts) {
        var queue = drafts.filter(function (draft) { return draft.state === 'queued'; });
        return queue.reduce(function (before, draft) {
          return before.then(function () {
            return post(draft, me.token).then(function (one) {
              if (one.sent) { result.sent.push(one); } else if (one.refused) { result.refused.push(one.refused); } else { result.waiting += 1; }
            });
          });
        }, Promise.resolve()).then(function () { return result; });
      });
    });
  }

  /* One sender at a time, in whatever tab: the server takes each only once, but why send photographs twice. */
  function send() {
    if (root.navigator && root.navigator.locks) { return root.navigator.locks.request('inspections', sendAll); }
    return sendAll();
  }

  root.InspectionQueue = {put: put, get: get, remove: remove, of: of, send: send};
})(self);
